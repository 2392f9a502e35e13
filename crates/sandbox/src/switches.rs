//! Every behaviour of the two services that is not proven, as a named switch.
//!
//! A default is the best reading of the public material; the other values are what a client must
//! survive all the same. Nothing else in the sandbox decides an open question by itself.

use super::switch::{SwitchInfo, choice, switches};

choice!(/// A call nobody has recorded: taken or refused.
    Verdict { Refuse = "refuse", Accept = "accept" });
choice!(/// How far an idempotency key reaches.
    KeyScope { Merchant = "merchant", Order = "order", Endpoint = "endpoint" });
choice!(/// A second request while the first with the same key is still unanswered.
    ConcurrentKey { Conflict = "conflict", Replay = "replay" });
choice!(/// Which rate headers Klarna's answers carry.
    RateHeaders { All = "all", Documented = "documented", None = "none" });
choice!(/// The Retry-After header of a 429.
    RetryAfter { Absent = "absent", Seconds = "seconds", Date = "date" });
choice!(/// What a closed amount becomes.
    Leftover { Zero = "zero", Kept = "kept" });
choice!(/// `order_amount` after a cancel or release.
    ClosedAmount { Kept = "kept", Lowered = "lowered" });
choice!(/// What a partly captured order becomes when its authorization lapses.
    PartExpiry { Expired = "expired", PartCaptured = "part_captured", Captured = "captured" });
choice!(/// An absent text in a read.
    EmptyText { Omitted = "omitted", Empty = "empty" });
choice!(/// The error code for an unknown order on POST refunds.
    UnknownOrderCode { NotFound = "not_found", NoSuchOrder = "no_such_order" });
choice!(/// The body of a 401.
    ErrorPage { Html = "html", Json = "json" });
choice!(/// Whether a dispute reversal shows in the order.
    DisputeView { Hidden = "hidden", Amount = "amount", Refund = "refund" });
choice!(/// The cluster whose dates are shown.
    Dates { Eu1 = "eu1", Us1 = "us1" });
choice!(/// The zone a filter without offset is read in.
    FilterZone { Utc = "utc", Local = "local" });
choice!(/// The sign of a credit invoice's totals.
    TotalSign { Positive = "positive", Negative = "negative" });
choice!(/// The sign of a credit invoice's items.
    ItemSign { Positive = "positive", Quantity = "quantity", Price = "price" });
choice!(/// `creditNote` on the original invoice.
    CreditLink { False = "false", First = "first", Latest = "latest" });
choice!(/// The envelope of order events.
    EventsEnvelope { OrdersEvents = "ordersEvents", OrderEvents = "orderEvents" });
choice!(/// Where the shop keeps Klarna's order id.
KlarnaIdLocation {
    PaymentData = "paymentData", Memo = "memo", Event = "event", Metafield = "metafield", None = "none"
});
choice!(/// The answer to POST credit.
    CreditAnswer { Invoice = "invoice", Credit = "credit", Empty = "empty" });
choice!(/// A payment state.
    PaidState { NotPaid = "not_paid", Paid = "paid" });
choice!(/// Plain lists without `since_id`.
    ListOrder { Desc = "desc", Asc = "asc" });
choice!(/// When an order's invoice comes to be.
    InvoiceMoment { Direct = "direct", Paid = "paid", Manual = "manual" });
choice!(/// When the shop calls a Klarna order paid.
    PaidWhen { Captured = "captured", Authorized = "authorized" });

choice!(/// What webhooks that an app registered are signed with.
    AppSignsWith { Secret = "secret", Password = "password" });
choice!(/// A credited line that was never sent, on its packing slip.
    CreditedLine { Stays = "stays", Leaves = "leaves" });
choice!(/// How an order shows what a gift card paid of it.
    GiftCards { List = "list", Map = "map", Line = "line", Hidden = "hidden" });
choice!(/// The case of the shop's currency code.
    CodeCase { Lower = "lower", Upper = "upper" });

switches! {
    klarna_reads_carry_reference: bool = true, "klarna.reads_carry_reference",
        "captures[].reference and refunds[].reference are present in reads";
    klarna_reads_carry_refund_id: bool = true, "klarna.reads_carry_refund_id",
        "refunds[].refund_id is present in reads";
    klarna_read_lag_ms: i64 = 0, "klarna.read_lag_ms",
        "GETs show the order as it was so many milliseconds ago";
    klarna_rate_headers: RateHeaders = RateHeaders::All, "klarna.rate_headers",
        "all three x-ratelimit headers always, only as documented (limit and reset on 429), or none";
    klarna_retry_after: RetryAfter = RetryAfter::Absent, "klarna.retry_after",
        "Retry-After on Klarna's 429";
    klarna_key_ttl_s: i64 = 86_400, "klarna.key_ttl_s",
        "how long an idempotency key is remembered, from the first attempt; 0 forgets at once";
    klarna_key_scope: KeyScope = KeyScope::Merchant, "klarna.key_scope",
        "one key per merchant, per order, or per method and path";
    klarna_replay_4xx: bool = false, "klarna.replay_4xx",
        "a refusal is remembered under its key too and repeated without being judged again";
    klarna_concurrent_key: ConcurrentKey = ConcurrentKey::Conflict, "klarna.concurrent_key",
        "the same key while its first answer is still delayed: 409 CONFLICT, or the answer";
    klarna_second_cancel: Verdict = Verdict::Refuse, "klarna.second_cancel",
        "cancel of a cancelled order: 403 CANCEL_NOT_ALLOWED or 204";
    klarna_cancel_expired: Verdict = Verdict::Refuse, "klarna.cancel_expired",
        "cancel of an expired order";
    klarna_release_expired: Verdict = Verdict::Refuse, "klarna.release_expired",
        "release of the rest of an expired order that has captures";
    klarna_refund_zero: Verdict = Verdict::Refuse, "klarna.refund_zero",
        "a refund of amount 0: 403 REFUND_NOT_ALLOWED or 201";
    klarna_capture_zero: Verdict = Verdict::Refuse, "klarna.capture_zero",
        "a capture of amount 0: 403 CAPTURE_NOT_ALLOWED or 201";
    klarna_refund_expired: Verdict = Verdict::Accept, "klarna.refund_expired",
        "a refund on an expired order that has captures";
    klarna_pending_capture: Verdict = Verdict::Refuse, "klarna.pending_capture",
        "a capture while fraud_status is PENDING: 403 CAPTURE_NOT_ALLOWED or 201";
    klarna_rejected_cancel_after_s: i64 = 14_400, "klarna.rejected_cancel_after_s",
        "Klarna cancels an uncaptured order by itself so long after fraud_status REJECTED; 0 never";
    klarna_extend_captured: Verdict = Verdict::Refuse, "klarna.extend_captured",
        "extend-authorization-time of a fully captured order";
    klarna_references_expired: Verdict = Verdict::Refuse, "klarna.references_expired",
        "new merchant references on an expired order";
    klarna_remaining_after_close: Leftover = Leftover::Zero, "klarna.remaining_after_close",
        "remaining_authorized_amount after cancel and release";
    klarna_amount_after_close: ClosedAmount = ClosedAmount::Kept, "klarna.amount_after_close",
        "order_amount after cancel and release: kept, or lowered to what was captured";
    klarna_part_captured_expiry: PartExpiry = PartExpiry::Expired, "klarna.part_captured_expiry",
        "status of a partly captured order whose authorization lapsed";
    klarna_empty_text: EmptyText = EmptyText::Omitted, "klarna.empty_text",
        "absent reference and description in reads: left out, or an empty string";
    klarna_unset_references: EmptyText = EmptyText::Omitted, "klarna.unset_references",
        "merchant_reference1 and 2 in reads where none was set: left out, or an empty string";
    klarna_readable_days: i64 = 1_095, "klarna.readable_days",
        "how long orders are known after they were made; 0 for ever";
    klarna_unknown_order_refund: UnknownOrderCode = UnknownOrderCode::NotFound, "klarna.unknown_order_refund",
        "error code of POST refunds on an unknown order";
    klarna_invalid_id_status: i64 = 400, "klarna.invalid_id_status",
        "HTTP status of INVALID_ORDER_ID";
    klarna_unauthorized: ErrorPage = ErrorPage::Html, "klarna.unauthorized",
        "the 401: nginx's HTML page, or JSON with UNAUTHORIZED";
    klarna_created_status: i64 = 201, "klarna.created_status",
        "HTTP status of a successful capture or refund";
    klarna_disputes: DisputeView = DisputeView::Hidden, "klarna.disputes",
        "a dispute reversal: not in the order, in refunded_amount, or in refunds[] too";
    klarna_authorization_days: i64 = 28, "klarna.authorization_days",
        "authorization period of new orders and of extensions";
    klarna_max_amount: i64 = 200_000_000, "klarna.max_amount",
        "largest amount of one call, in minor units";
    lightspeed_dates: Dates = Dates::Eu1, "lightspeed.dates",
        "eu1: Dutch local time with summer time; us1: +00:00. Also the zone of the daily limit";
    lightspeed_filter_zone: FilterZone = FilterZone::Utc, "lightspeed.filter_zone",
        "zone of created_at_* and updated_at_* values without an offset";
    lightspeed_credit_note_sign: TotalSign = TotalSign::Positive, "lightspeed.credit_note_sign",
        "sign of priceExcl and priceIncl of a credit invoice";
    lightspeed_credit_item_sign: ItemSign = ItemSign::Positive, "lightspeed.credit_item_sign",
        "items of a credit invoice: positive, negative quantity, or negative prices";
    lightspeed_credit_note_link: CreditLink = CreditLink::Latest, "lightspeed.credit_note_link",
        "creditNote on the original: false, or a link to the first or the latest credit invoice";
    lightspeed_retry_after: RetryAfter = RetryAfter::Absent, "lightspeed.retry_after",
        "Retry-After on Lightspeed's 429";
    lightspeed_embedded_in_lists: bool = false, "lightspeed.embedded_in_lists",
        "orders.json embeds what a single order embeds";
    lightspeed_events_envelope: EventsEnvelope = EventsEnvelope::OrdersEvents, "lightspeed.events_envelope",
        "envelope of orders/events, plural form; one event drops the last s";
    lightspeed_klarna_id_location: KlarnaIdLocation = KlarnaIdLocation::PaymentData, "lightspeed.klarna_id_location",
        "where a new order shows Klarna's order id";
    lightspeed_klarna_id_key: String = String::from("klarna_order_id"), "lightspeed.klarna_id_key",
        "key of the id in paymentData or in the metafield";
    lightspeed_payment_id: String = String::from("external"), "lightspeed.payment_id",
        "paymentId of a new order paid with Klarna";
    lightspeed_payment_title: String = String::from("Klarna - Pay later"), "lightspeed.payment_title",
        "paymentTitle of a new order paid with Klarna";
    lightspeed_cancel_makes_credit_notes: bool = true, "lightspeed.cancel_makes_credit_notes",
        "a cancel in the back office credits the order's invoices";
    lightspeed_api_cancel_makes_credit_notes: bool = true, "lightspeed.api_cancel_makes_credit_notes",
        "a cancel through the API credits the order's invoices";
    lightspeed_cancel_payment_status: bool = true, "lightspeed.cancel_payment_status",
        "a cancel sets paymentStatus and shipmentStatus to cancelled";
    lightspeed_credit_initial_status: PaidState = PaidState::NotPaid, "lightspeed.credit_initial_status",
        "status of a new credit invoice";
    lightspeed_cancel_credit_status: PaidState = PaidState::NotPaid, "lightspeed.cancel_credit_status",
        "status of the credit invoices a cancel makes";
    lightspeed_credit_paid_order_event: bool = false, "lightspeed.credit_paid_order_event",
        "paying a credit invoice writes an order event and moves order.updatedAt";
    lightspeed_put_status_code_validation: i64 = 400, "lightspeed.put_status_code_validation",
        "HTTP status of refused input: 400, or 422 with an errors map";
    lightspeed_put_unknown_status: Verdict = Verdict::Refuse, "lightspeed.put_unknown_status",
        "PUT invoice with a status other than paid and not_paid";
    lightspeed_post_credit_answer: CreditAnswer = CreditAnswer::Invoice, "lightspeed.post_credit_answer",
        "body of POST orders/{id}/credit: {\"invoice\":…}, {\"credit\":…}, or empty";
    lightspeed_post_status: i64 = 201, "lightspeed.post_status",
        "HTTP status of a successful POST";
    lightspeed_missing_permission: i64 = 403, "lightspeed.missing_permission",
        "HTTP status when the key lacks the permission";
    lightspeed_method_not_allowed: i64 = 405, "lightspeed.method_not_allowed",
        "HTTP status of a verb a resource does not have: 405 or 404";
    lightspeed_list_order: ListOrder = ListOrder::Desc, "lightspeed.list_order",
        "order of lists by id when there is no since_id";
    lightspeed_max_page: i64 = 0, "lightspeed.max_page",
        "pages beyond this one are empty; 0 for no cap";
    lightspeed_invoice_filters: bool = true, "lightspeed.invoice_filters",
        "number, status and email filter invoices; off: they are ignored";
    lightspeed_invoice_moment: InvoiceMoment = InvoiceMoment::Direct, "lightspeed.invoice_moment",
        "the shop's setting: invoice at placement, on payment, or by hand";
    lightspeed_paid_when: PaidWhen = PaidWhen::Captured, "lightspeed.paid_when",
        "when the shop shows a new Klarna order and its invoice as paid";
    lightspeed_currency_case: CodeCase = CodeCase::Upper, "lightspeed.currency_case",
        "case of currency.shortcode in shop.json";
    lightspeed_currency_is_default: bool = true, "lightspeed.currency_is_default",
        "currency.isDefault in shop.json; the documented shop says false";
    lightspeed_unpaid_expire_after_s: i64 = 43_200, "lightspeed.unpaid_expire_after_s",
        "an order that awaits its payment is cancelled so long after it was placed; 0 never";
    lightspeed_gift_cards: GiftCards = GiftCards::List, "lightspeed.gift_cards",
        "giftCardsPayment: a list of cards with their amounts, a map with one amount, empty although one paid, or a line of the order below zero";
    lightspeed_edit_moves_invoice: bool = true, "lightspeed.edit_moves_invoice",
        "changing an unpaid order's lines changes its invoice too";
    lightspeed_credited_line: CreditedLine = CreditedLine::Stays, "lightspeed.credited_line",
        "a credited line that was never sent stays on its open packing slip, or leaves it";
    lightspeed_download_status: String = String::from("processing_ready_for_download"), "lightspeed.download_status",
        "status of a digital order that is ready to be downloaded";
    lightspeed_webhook_copies: i64 = 1, "lightspeed.webhook_copies",
        "how many times each delivery is queued";
    lightspeed_webhook_reorder: bool = false, "lightspeed.webhook_reorder",
        "each delivery is queued in front of the one before it";
    lightspeed_app_signs_with: AppSignsWith = AppSignsWith::Secret, "lightspeed.app_signs_with",
        "webhooks that an app registered: signed with the app's secret, or with its password for this shop";
    lightspeed_app_reinstall_revokes: bool = true, "lightspeed.app_reinstall_revokes",
        "installing an app again ends the token that it had";
    lightspeed_app_tells_removal: bool = true, "lightspeed.app_tells_removal",
        "removing an app sends the browser to it, without a token";
    vendor_refunds: bool = false, "vendor.refunds",
        "the vendor's app refunds new not_paid credit invoices by itself, without a reference";
    vendor_refunds_paid: bool = false, "vendor.refunds_paid",
        "the vendor's app refunds credit invoices that were made as paid, too";
    vendor_captures: bool = false, "vendor.captures",
        "the vendor's app captures when an order is shipped";
    vendor_cancels: bool = false, "vendor.cancels",
        "the vendor's app cancels at Klarna when an order is cancelled in the shop";
    vendor_marks_paid: bool = true, "vendor.marks_paid",
        "the vendor's app marks the credit invoice paid after its refund";
    vendor_delay_ms: i64 = 120_000, "vendor.delay_ms",
        "how long the vendor's app takes";
}
