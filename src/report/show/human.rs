//! `show` for people: facts first, then what we hold true, then every step with its date.

use std::io::{self, Write};

use jiff::Timestamp;
use serde_json::Value;

use super::{Asked, Life, amount, asked, fraud, klarna_status, settles, shipped, shop_status};
use crate::report::human::{HEADING, grid, one_break, print, seconds};
use crate::report::json::refund_id;
use crate::report::text::plain;
use crate::report::words::{self, money, some_money};
use crate::words::place;
use reconciled_core::answer::Said;
use reconciled_core::facts::KlarnaOrder;
use reconciled_core::id::Reference;
use reconciled_core::intent::Intent;
use reconciled_core::money::Minor;
use reconciled_store::JournalRow;

/// Writes the order's whole life.
///
/// # Errors
/// The output failed.
pub fn write<W: Write>(out: &mut W, life: &Life) -> io::Result<()> {
    order(out, life)?;
    lightspeed(out, life)?;
    klarna(out, life)?;
    credits(out, life)?;
    intents(out, life)?;
    adopted(out, life)?;
    breaks(out, life)?;
    journal(out, life)?;
    out.flush()
}

fn order<W: Write>(out: &mut W, life: &Life) -> io::Result<()> {
    let (ledger, shop) = (&life.dossier.ledger, &life.dossier.shop);
    let number = plain(shop.number.as_str());
    writeln!(out, "{HEADING}Order {number}{HEADING:#} is {}", ledger.order.name())?;
    let link = shop.klarna_order_id.as_ref();
    let link = link.map_or_else(|| "none found".to_owned(), |id| plain(id.as_str()));
    writeln!(out, "  Klarna order id: {link}")?;
    if let Some(note) = &ledger.hold {
        writeln!(out, "  held by an operator: {}", plain(note))?;
    }
    named(out, life)?;
    for other in life.dossier.shared_with(shop.klarna_order_id.as_ref()) {
        writeln!(out, "  order {} names the same Klarna order", plain(other.as_str()))?;
    }
    Ok(())
}

/// Every Klarna order that it names, where it names several.
fn named<W: Write>(out: &mut W, life: &Life) -> io::Result<()> {
    let candidates = life.dossier.candidates();
    if candidates.len() < 2 {
        return Ok(());
    }
    let mut table = grid(&["names Klarna order", "where", "Klarna says"]);
    for one in &candidates {
        let says = match asked(&life.dossier, &one.id) {
            Asked::Read(order) => format!(
                "{}, {} of {} captured, {} still authorized",
                plain(&klarna_status(&order.status)),
                money(order.captured, life.currency),
                money(order.order_amount, life.currency),
                money(order.remaining, life.currency),
            ),
            Asked::Unknown(said) => format!("unknown: {}", plain(said)),
            Asked::Never => "not asked".to_owned(),
        };
        let places: Vec<String> = one.places.iter().map(|it| plain(&place(it))).collect();
        table.add_row([plain(one.id.as_str()), places.join(", "), says]);
    }
    print(out, &table)
}

fn lightspeed<W: Write>(out: &mut W, life: &Life) -> io::Result<()> {
    let shop = &life.dossier.shop;
    let total = match &shop.total {
        Ok(total) => money(*total, life.currency),
        Err(text) => format!("\"{}\" (not an amount)", plain(text)),
    };
    writeln!(out, "\n{HEADING}Lightspeed says{HEADING:#} (changed {})", seconds(shop.updated_at))?;
    writeln!(
        out,
        "  {total}, status {}, shipped {}, {}; placed {}",
        plain(&shop_status(&shop.status)),
        plain(&shipped(&shop.shipped)),
        if shop.paid { "paid" } else { "not paid" },
        seconds(shop.created_at),
    )
}

fn klarna<W: Write>(out: &mut W, life: &Life) -> io::Result<()> {
    let Some((order, read_at)) = &life.dossier.klarna else {
        return writeln!(out, "\n{HEADING}Klarna{HEADING:#} was not read yet");
    };
    writeln!(out, "\n{HEADING}Klarna says{HEADING:#} (read {})", seconds(*read_at))?;
    let in_shop_currency = |minor| money(minor, life.currency);
    let fraud = order.fraud.as_ref().map_or_else(String::new, |word| format!(", fraud check {}", plain(&fraud(word))));
    writeln!(
        out,
        "  {}, status {}; captured {}, refunded {}, still authorized {}{fraud}",
        in_shop_currency(order.order_amount),
        plain(&klarna_status(&order.status)),
        in_shop_currency(order.captured),
        in_shop_currency(order.refunded),
        in_shop_currency(order.remaining),
    )?;
    if let Some(at) = order.expires_at {
        writeln!(out, "  the authorization lapses {}", seconds(at))?;
    }
    made(out, life, order)
}

/// The captures and refunds at Klarna, whoever made them.
fn made<W: Write>(out: &mut W, life: &Life, order: &KlarnaOrder) -> io::Result<()> {
    if order.captures.is_empty() && order.refunds.is_empty() {
        return Ok(());
    }
    let reference =
        |it: &Option<Reference>| it.as_ref().map_or_else(|| "no reference".to_owned(), |it| plain(it.as_str()));
    let mut table = grid(&["at Klarna", "amount", "reference", "when", "id"]);
    for it in &order.captures {
        let when = it.captured_at.map_or_else(String::new, seconds);
        let (amount, id) = (money(it.amount, life.currency), plain(it.id.as_str()));
        table.add_row(["capture".to_owned(), amount, reference(&it.reference), when, id]);
    }
    for it in &order.refunds {
        let when = it.refunded_at.map_or_else(String::new, seconds);
        let (amount, id) = (money(it.amount, life.currency), plain(it.id.as_str()));
        table.add_row(["refund".to_owned(), amount, reference(&it.reference), when, id]);
    }
    print(out, &table)
}

fn credits<W: Write>(out: &mut W, life: &Life) -> io::Result<()> {
    let records = &life.dossier.ledger.credits;
    if records.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{HEADING}Credit invoices{HEADING:#}")?;
    let mut table = grid(&["number", "state", "amount", "in the shop", "refund", "created"]);
    for (id, record) in records {
        let facts = life.dossier.shop.credit_invoices.iter().find(|facts| facts.id == *id);
        let in_shop = match facts {
            Some(facts) if facts.paid.is(&true) => "paid",
            Some(_) => "not paid",
            None => "not there any more",
        };
        let now = facts.and_then(|facts| amount(&facts.amount)).or(record.amount);
        table.add_row([
            plain(record.number.as_str()),
            record.state.name().to_owned(),
            some_money(now, life.currency),
            in_shop.to_owned(),
            refund_id(&record.state).map_or_else(|| "–".to_owned(), |id| plain(id.as_str())),
            seconds(record.created_at),
        ]);
    }
    print(out, &table)
}

fn intents<W: Write>(out: &mut W, life: &Life) -> io::Result<()> {
    let intents = &life.dossier.ledger.intents;
    if intents.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{HEADING}What this program asked for{HEADING:#}")?;
    intents.iter().try_for_each(|it| intent(out, life, it))
}

fn intent<W: Write>(out: &mut W, life: &Life, it: &Intent) -> io::Result<()> {
    writeln!(
        out,
        "  {} of {} under reference {}: {}",
        words::effect(it.effect.kind),
        money(it.effect.amount, life.currency),
        plain(it.effect.reference.as_str()),
        it.state.name(),
    )?;
    writeln!(out, "    intent {}, generation {}", it.id, it.effect.generation)?;
    if it.effect.kind.is_klarna() {
        writeln!(out, "    idempotency key {}", it.key)?;
    }
    let dated = |what: &str, at: Option<Timestamp>| at.map(|at| format!("{what} {}", seconds(at)));
    let steps = [
        dated("planned", Some(it.planned_at)),
        dated("first sent", it.first_sent_at),
        dated("last sent", it.last_sent_at.filter(|_| it.attempts > 1)),
        dated("not before", it.not_before),
        dated("ended", it.ended_at),
    ];
    let steps: Vec<String> = steps.into_iter().flatten().collect();
    writeln!(out, "    {}; {}", steps.join(", "), words::count_of(it.attempts, "attempt"))?;
    if let Some(made) = &it.made {
        writeln!(out, "    made {} at Klarna", plain(made.as_str()))?;
    }
    it.said.as_ref().map_or(Ok(()), |said| answer(out, said))
}

/// What a support desk asks for first.
fn answer<W: Write>(out: &mut W, said: &Said) -> io::Result<()> {
    writeln!(out, "    {}", plain(&said.in_a_sentence()))
}

fn adopted<W: Write>(out: &mut W, life: &Life) -> io::Result<()> {
    let adopted = &life.dossier.ledger.adopted;
    if adopted.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{HEADING}Refunds a human explained{HEADING:#}")?;
    adopted.iter().try_for_each(|(refund, to)| {
        writeln!(out, "  {} settles {}", plain(refund.as_str()), plain(&settles(&life.dossier, life.currency, to)))
    })
}

fn breaks<W: Write>(out: &mut W, life: &Life) -> io::Result<()> {
    if life.breaks.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{HEADING}Breaks{HEADING:#}")?;
    life.breaks.iter().try_for_each(|it| one_break(out, it, life.currency, life.now))
}

fn journal<W: Write>(out: &mut W, life: &Life) -> io::Result<()> {
    writeln!(out, "\n{HEADING}Journal{HEADING:#}")?;
    let mut table = grid(&["#", "when", "what", "event", "from", "to", "by", "detail"]);
    for row in &life.journal {
        table.add_row([
            row.seq.to_string(),
            seconds(row.at),
            subject(life, row),
            word(&row.event),
            word(&row.before),
            word(&row.after),
            plain(&row.actor),
            detail(life, &row.detail),
        ]);
    }
    print(out, &table)
}

/// What a row is about, by the name people know.
pub(crate) fn subject(life: &Life, row: &JournalRow) -> String {
    let (ledger, id) = (&life.dossier.ledger, row.entity_id.as_str());
    let known = match row.entity.as_str() {
        "order" => Some("order".to_owned()),
        "credit_invoice" => {
            let record = ledger.credits.iter().find(|(invoice, _)| invoice.to_string() == id);
            record.map(|(_, record)| format!("credit invoice {}", record.number))
        }
        "intent" => {
            let intent = ledger.intents.iter().find(|intent| intent.id.to_string() == id);
            intent.map(|it| format!("{} {}", words::effect(it.effect.kind), it.effect.reference))
        }
        _ => None,
    };
    plain(&known.unwrap_or_else(|| format!("{} {id}", row.entity)))
}

/// The word of a state or an event, without the id that follows it; `--json` has both.
fn word(text: &str) -> String {
    plain(text.split(':').next().unwrap_or_default())
}

/// What is worth reading of a row's detail: not the digest, and not what is said above.
pub(crate) fn detail(life: &Life, text: &str) -> String {
    let Ok(Value::Object(fields)) = serde_json::from_str(text) else { return plain(text) };
    let told = ["payload_sha256", "key", "number", "reference", "credit_invoice", "generation", "kind", "currency"];
    let worth = fields.iter().filter(|(name, value)| !told.contains(&name.as_str()) && !value.is_null());
    let shown = worth.map(|(name, value)| {
        let amount = value.as_i64().filter(|_| name == "amount_minor").and_then(|it| Minor::new(it).ok());
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        amount.map_or_else(|| format!("{} {}", plain(name), plain(&value)), |amount| money(amount, life.currency))
    });
    shown.collect::<Vec<_>>().join(", ")
}
