#!/usr/bin/env python3
"""Who is owed what, told from the two sides' final state alone.

Standard input: {"truth": what both sides hold (the sandbox's GET /_control/truth)}.
Standard output: {"orders": [...]}, one entry per Klarna-paid order, with the money, the money still owed, every
credit invoice with its explanation, and the kinds of difference that a human has to look at.

Written from docs of the domain, in another language, and it shares nothing with the program: not a type, not the
amount parser, not a table. It assumes that every family of effects is driven, that no grace is left, and that the
program has come to rest: what is still owed then must be explained by a difference.
"""

import json
import sys
from decimal import Decimal


def cents(text):
    """Decimal text to whole cents; a fraction of a cent is an error of the dump, not something to round."""
    value = Decimal(text) * 100
    if value != value.to_integral_value():
        raise ValueError(f"{text} is no whole number of cents")
    return int(value)


class Order:
    def __init__(self, shop, klarna, others=()):
        # A consumer pays an order, not an attempt: what other attempts took counts.
        self.paid_elsewhere = sum(it["captured_amount"] - it["refunded_amount"] for it in others)
        holding = [it["captured_amount"] + it["remaining_authorized_amount"] > 0 for it in (klarna, *others)]
        self.is_ambiguous = holding.count(True) > 1
        self.number = shop["number"]
        self.total = cents(shop["total"])
        self.is_cancelled = shop["status"] == "cancelled"
        self.shipment = shop["shipment_status"]
        self.credits = [
            {
                "number": it["number"],
                "amount": abs(cents(it["total"])),
                "is_paid": it["status"] == "paid",
                "items": it["items"],
                "made_at": it["created_at"],
            }
            for it in sorted(shop["invoices"], key=lambda it: it["id"])
            if it["is_credit"]
        ]
        self.lines = shop["lines"]
        self.gift_card = cents(shop["gift_card"])
        self.klarna_status = klarna["status"]
        self.authorized = max(klarna["original_order_amount"], klarna["order_amount"])
        self.captures = klarna["captures"]
        self.captured = sum(it["amount"] for it in klarna["captures"])
        self.refunded = sum(it["amount"] for it in klarna["refunds"])
        self.remaining = klarna["remaining_authorized_amount"]
        self.refunds = klarna["refunds"]
        if self.captured != klarna["captured_amount"] or self.refunded != klarna["refunded_amount"]:
            raise ValueError(f"{self.number}: the history does not add up to the totals")

    @property
    def credited(self):
        return sum(it["amount"] for it in self.credits)

    @property
    def never_agreed(self):
        """The shop asks for more than Klarna ever authorized: such an order is not called paid."""
        return self.total - self.gift_card - self.credited > self.authorized + 1

    def captured_in_vain(self):
        """What we captured although it had been credited before: the consumer never pays that, so it is not taken to be
        given back."""
        first = min(self.captures, key=lambda it: it["at"], default=None)
        if first is None or first["idempotency_key"] is None or self.gift_card or self.is_cancelled:
            return 0
        before = sum(it["amount"] for it in self.credits if it["made_at"] < first["at"])
        return max(self.captured + before - self.total - 1, 0) if before else 0

    def obliged(self):
        """What must have gone back (rule 2 and 3): never the sum of a cancel and its credit invoices, never what was
        not captured and will not be."""
        never_paid = self.total - self.captured if self.remaining == 0 else 0
        wanted = max(self.credited, self.captured) if self.is_cancelled else self.credited - never_paid
        return min(max(wanted, 0), self.captured)

    def sent(self):
        """What left the house; the costs of sending count once everything did."""
        if all(it["sent"] >= it["quantity"] for it in self.lines):
            return self.total
        return sum(cents(it["unit"]) * it["sent"] for it in self.lines)

    def came_back(self):
        """The most of what was sent that credit invoices can take back: what never left did not come back."""
        quantities = [0] * len(self.lines)
        rest = 0
        for credit in self.credits:
            listed = 0
            for item in credit["items"]:
                if item["line"] is not None:
                    quantities[item["line"]] += item["quantity"]
                    listed += cents(item["total"])
            rest += max(credit["amount"] - listed, 0)
        pairs = zip(self.lines, quantities)
        return rest + sum(cents(line["unit"]) * min(quantity, line["sent"]) for line, quantity in pairs)

    def should_pay(self):
        """The least and the most that this consumer can rightly have paid in the end: for what was sent and did not
        come back, for what was ordered and not credited."""
        if self.is_cancelled:
            return 0, 0
        most = max(self.total - self.gift_card - self.credited, 0)
        kept = self.sent() - self.came_back() - self.gift_card
        return min(max(kept, 0), most), most

    def holder(self):
        """Who has what is another's, to the cent: the merchant the consumer's money, or the consumer unpaid goods."""
        paid = self.captured - self.refunded + self.paid_elsewhere
        least, most = self.should_pay()
        if paid > most + 1:
            return {"who": "merchant", "amount": paid - most}
        if paid + 1 < least:
            return {"who": "consumer", "amount": least - paid}
        return None

    def references(self):
        names = {name for it in self.credits for name in (it["number"], f"{it['number']}:rest")}
        return names | {f"{self.number}:cancel"} if self.is_cancelled else names

    def strangers(self):
        """Refunds that no document explains (rule 4)."""
        known = self.references()
        return [it for it in self.refunds if it["reference"] not in known]

    def refunded_for(self, credit):
        """Under its number, and what made up the rest of a part that somebody refunded under it."""
        names = {credit["number"], f"{credit['number']}:rest"}
        return sum(it["amount"] for it in self.refunds if it["reference"] in names)

    def by_other_means(self, credit):
        """What of it Klarna cannot give back: the oldest take from Klarna's share first, a gift card paid the rest."""
        left = self.total - self.gift_card
        for it in self.credits:
            rest = max(it["amount"] - left, 0)
            left -= it["amount"] - rest
            if it is credit:
                return rest
        raise ValueError("another order's credit invoice")

    def explanation(self, credit):
        """Why a credit invoice may be paid, or None (rule 5)."""
        if self.is_ambiguous:
            return None  # Nobody knows which order's refunds would explain it.
        given_back = self.refunded_for(credit)
        if given_back and abs(given_back - (credit["amount"] - self.by_other_means(credit))) <= 1:
            return "refund"  # To the cent by which the two sides round.
        if self.is_cancelled and self.captured == 0:
            return "nothing was captured" if self.remaining == 0 else None
        if self.is_cancelled and self.refunded == self.captured and self.remaining == 0:
            return "the whole order went back"
        never_captured = self.total - self.captured
        is_over = self.remaining == 0
        if not given_back and is_over and 0 < credit["amount"] <= never_captured:
            return "its amount was never captured"
        return None

    def differences(self):
        """Kinds, each once."""
        if self.is_ambiguous:
            return {"klarna_order_ambiguous"}
        found = set()
        if self.strangers():
            found.add("refund_unattributed")
        for credit in self.credits:
            found |= self.about(credit)
        if not self.is_cancelled:
            found |= self.about_a_living_order()
            if self.never_agreed:
                found.add("amount_differs")
        elif self.remaining > 0:
            found.add("cancel_not_released")
        elif self.captured > self.refunded and not self.strangers():
            found.add("cancel_not_refunded")
        return found

    def about(self, credit):
        given_back = self.refunded_for(credit)
        explained = self.explanation(credit)
        if explained and self.by_other_means(credit) and not credit["is_paid"]:
            return {"paid_otherwise"}  # Until somebody says that the rest went back too.
        if explained:
            return set() if credit["is_paid"] else {"credit_not_marked_paid"}
        if given_back:
            return {"refund_amount_differs"}
        if credit["is_paid"]:
            return {"paid_without_refund"}
        if self.strangers():
            return set()  # Held by what nobody explains, and said there.
        if self.captured == 0:
            return {"credit_before_capture"}
        if credit["amount"] > self.captured - self.refunded:
            return {"credit_exceeds_refundable"}
        return {"refund_missing"}

    def about_a_living_order(self):
        if self.klarna_status == "CANCELLED":
            return {"cancelled_at_klarna"}
        if self.klarna_status == "EXPIRED" and self.captured == 0:
            return {"authorization_expired"}
        if self.shipment == "shipped" and self.remaining > 0:
            return {"shipped_not_captured"}
        if self.shipment == "not_shipped" and self.captured > self.refunded:
            return {"captured_not_shipped"}
        return set()

    def state(self, credit):
        if self.explanation(credit):
            return "paid" if credit["is_paid"] else "refunded"
        if credit["is_paid"]:
            return "paid"
        return "open"

    def report(self):
        return {
            "number": self.number,
            # Money is counted of the one order that is linked.
            "captured": 0 if self.is_ambiguous else self.captured,
            "refunded": 0 if self.is_ambiguous else self.refunded,
            "credited": self.credited,
            "is_cancelled": self.is_cancelled,
            "owed": max(self.obliged() - self.refunded, 0),
            "holder": self.holder(),
            "never_agreed": self.never_agreed,
            "captured_in_vain": self.captured_in_vain(),
            "too_much": max(self.refunded - self.obliged(), 0),
            "credit_invoices": [
                {
                    "number": it["number"],
                    "amount": it["amount"],
                    "is_paid": it["is_paid"],
                    "state": self.state(it),
                    "explanation": self.explanation(it),
                }
                for it in self.credits
            ],
            "differences": sorted(self.differences()),
        }


def main():
    truth = json.load(sys.stdin)["truth"]
    at_klarna = {it["order_id"]: it for it in truth["klarna_orders"]}
    orders = []
    for shop in truth["shop_orders"]:
        if shop["klarna_order_id"]:
            others = [at_klarna[it] for it in shop["attempts"] if it != shop["klarna_order_id"]]
            orders.append(Order(shop, at_klarna[shop["klarna_order_id"]], others).report())
    json.dump({"orders": orders}, sys.stdout)


if __name__ == "__main__":
    main()
