//! The operations page over raw HTTP: who gets in, what is refused and counted, and what a decision leaves behind.

use serde_json::Value;

use crate::service::{OFTEN, RARELY, Service};
use crate::support::{DRIVE, Rig, wait_until};
use crate::visitor::{
    OWN_FORM, TOKEN, Visitor, body, decisions, encoded, first_id, hidden, login, refusals, send, start, start_under,
    store,
};

/// Puts `bad` wherever the two sides or a human may write what they like.
fn poison(rig: &Rig, bad: &str) {
    let store = store(rig);
    for statement in [
        "UPDATE shop_order SET number = ?1",
        "UPDATE credit_invoice SET number = ?1",
        "UPDATE break SET message = ?1, note = ?1, subject = ?1, credit_number = ?1",
        "UPDATE stop_switch SET stopped = 1, since = 1, actor = ?1, note = ?1",
        "INSERT INTO hold SELECT shop, id, 1, ?1, ?1 FROM shop_order WHERE true ON CONFLICT DO NOTHING",
        "INSERT INTO journal SELECT j.shop, h.seq + 1, j.at, ?1, 'operator', j.entity, ?1, j.order_id, ?1, ?1, ?1,
            json_object('note', ?1), j.hash FROM journal AS j JOIN journal_head AS h ON h.shop = j.shop WHERE j.seq = 5",
    ] {
        let changed = store.execute(statement, [bad]).unwrap();
        assert!(changed > 0, "{statement}");
    }
    let mut find = store.prepare("SELECT rowid, body FROM fact").unwrap();
    let bodies = find.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap);
    for (row, body) in bodies.collect::<Vec<(i64, String)>>() {
        let mut body: Value = serde_json::from_str(&body).unwrap();
        poison_value(&mut body, bad);
        store.execute("UPDATE fact SET body = ?2 WHERE rowid = ?1", (row, body.to_string())).unwrap();
    }
}

fn poison_value(value: &mut Value, bad: &str) {
    if let Value::Array(items) = value {
        for item in items {
            poison_value(item, bad);
        }
        return;
    }
    let Value::Object(fields) = value else { return };
    for (name, field) in fields {
        if ["number", "reference", "status", "shipped", "fraud"].contains(&name.as_str()) && field.is_string() {
            *field = match name.as_str() {
                "number" | "reference" => bad.into(),
                _ => serde_json::json!({"unknown": bad}),
            };
        } else {
            poison_value(field, bad);
        }
    }
}

#[test]
fn there_is_no_page_without_a_token() {
    let rig = Rig::empty(DRIVE);
    let service = Service::start(&rig, DRIVE, RARELY);
    for path in ["/", "/login", "/style.css", "/shops/main", "/shops/main/switch"] {
        let answer = send(&service, "GET", path, &[], "");
        assert_eq!((answer.status, answer.body.as_str()), (404, ""), "{path}");
    }
    assert_eq!(login(&service, "operator-1", TOKEN).status, 404);
    assert_eq!(service.terminate(), 0);
}

#[test]
fn nobody_gets_in_without_the_token_and_ten_tries_are_enough() {
    let rig = Rig::empty(DRIVE);
    let service = start(&rig, RARELY);
    for path in ["/", "/shops/main", "/shops/main/breaks", "/shops/main/journal", "/shops/other"] {
        let answer = send(&service, "GET", path, &[("Cookie", "reconciled_session=guessed")], "");
        assert_eq!((answer.status, answer.header("location")), (303, Some("/login")), "{path}");
        assert_eq!(answer.body, "", "{path}");
    }
    let answer = send(&service, "POST", "/shops/main/decide", &OWN_FORM, "action=stop&note=x");
    assert_eq!((answer.status, refusals(&service, "session")), (303, 1));
    assert_eq!(login(&service, "  ", TOKEN).status, 400, "nobody decides without a name");
    for wrong in ["", "0", "0123456789abcdef0123456789abcdeF", TOKEN.trim_end_matches('f')] {
        let answer = login(&service, "operator-1", wrong);
        assert_eq!((answer.status, answer.header("set-cookie")), (401, None), "{wrong}");
    }
    assert_eq!(refusals(&service, "token"), 4);
    for _ in 5..10 {
        login(&service, "operator-1", "wrong");
    }
    let answer = login(&service, "operator-1", TOKEN);
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("60")), "the right one has to wait as well");
    assert_eq!((refusals(&service, "too_often"), service.figure("reconciled_page_logins_total")), (1, Some(0)));
    assert_eq!(decisions(&rig), 0);
    assert!(!service.said().contains(TOKEN) && !service.said().contains("0123456789abcdeF"), "{}", service.said());
    assert_eq!(service.terminate(), 0);
}

#[test]
fn every_answer_carries_the_headers_that_bind_the_browser() {
    let rig = Rig::empty(DRIVE);
    let service = start(&rig, RARELY);
    let visitor = Visitor::enter(&service, "operator-1");
    let wrong_host = send(&service, "GET", "/", &[("Host", "evil.example")], "");
    for answer in [visitor.get("/shops/main"), visitor.get("/style.css"), visitor.get("/nowhere"), wrong_host] {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{}", answer.head);
        }
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("script-src"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("form-action 'self'"), "{policy}");
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    assert_eq!(service.terminate(), 0);
}

#[test]
fn a_strange_host_a_strange_page_and_a_second_use_change_nothing() {
    let rig = Rig::empty(DRIVE);
    let service = start(&rig, RARELY);
    let visitor = Visitor::enter(&service, "operator-1");
    let form = visitor.get("/shops/main/switch").form();
    let stop = body(&[("form", &form), ("action", "stop"), ("note", "wrong limits")]);
    let cookie = visitor.cookie.as_str();
    let sent = |headers: &[(&str, &str)]| {
        let always = [("Cookie", cookie), ("Content-Type", "application/x-www-form-urlencoded")];
        send(&service, "POST", "/shops/main/decide", &[&always[..], headers].concat(), &stop).status
    };
    let port = service.address.port();
    let own = format!("http://127.0.0.1:{port}");
    assert_eq!(sent(&[("Host", &format!("evil.example:{port}")), ("Origin", &own)]), 421);
    assert_eq!(sent(&[]), 403, "nothing speaks for it");
    assert_eq!(sent(&[("Origin", "http://evil.example")]), 403);
    assert_eq!(sent(&[("Origin", "null"), ("Sec-Fetch-Site", "cross-site")]), 403);
    assert_eq!(sent(&[("Origin", &own), ("Sec-Fetch-Site", "same-site")]), 403);
    assert_eq!((refusals(&service, "host"), refusals(&service, "cross_site")), (1, 4));
    let other = Visitor::enter(&service, "operator-2");
    let theft = other.post("/shops/main/decide", &[("form", &form), ("action", "stop"), ("note", "x")]);
    assert_eq!((theft.status, refusals(&service, "replayed")), (409, 1), "a form of another session");
    assert_eq!(decisions(&rig), 0, "nothing of all that was written");
    assert_eq!(sent(&[("Origin", &own)]), 303, "the form is still good");
    assert_eq!(decisions(&rig), 1);
    assert_eq!(sent(&[("Origin", &own)]), 409, "and good once");
    assert_eq!((refusals(&service, "replayed"), decisions(&rig)), (2, 1));
    for method in ["GET", "PUT", "DELETE"] {
        let headers = [&OWN_FORM[..], &[("Cookie", cookie)]].concat();
        assert_eq!(send(&service, method, "/shops/main/decide", &headers, "").status, 405, "{method}");
    }
    assert_eq!(service.terminate(), 0);
}

#[test]
fn what_no_form_sends_is_refused_unread() {
    let rig = Rig::empty(DRIVE);
    let service = start(&rig, RARELY);
    let visitor = Visitor::enter(&service, "operator-1");
    let form = visitor.get("/shops/main/switch").form();
    let huge = "x".repeat(2 * 1024 * 1024);
    let answer = visitor.post("/shops/main/decide", &[("form", &form), ("action", "stop"), ("note", &huge)]);
    assert!(answer.status == 413 || answer.status == 0, "{}", answer.status);
    assert_eq!((refusals(&service, "too_large"), decisions(&rig)), (1, 0));
    let headers =
        [("Cookie", visitor.cookie.as_str()), ("Sec-Fetch-Site", "same-origin"), ("Content-Type", "text/plain")];
    assert_eq!(send(&service, "POST", "/shops/main/decide", &headers, "action=stop").status, 400);
    assert_eq!((refusals(&service, "unreadable"), decisions(&rig)), (1, 0));
    assert_eq!(service.terminate(), 0);
}

#[test]
fn the_switch_is_moved_with_a_name_and_a_reason() {
    let rig = Rig::empty(DRIVE);
    let service = start(&rig, RARELY);
    let visitor = Visitor::enter(&service, "desk <b>");
    let page = visitor.decide("/shops/main/switch", &[("action", "stop"), ("note", "  ")]);
    assert!(page.body.contains("Nothing was changed: say why"), "{}", page.body);
    let page = visitor.decide("/shops/main/switch", &[("action", "stop"), ("note", "wrong limits")]);
    assert!(page.body.contains("Stopped: nothing is written"), "{}", page.body);
    rig.run(&["reconcile", "--json"]).ended(0);
    let page = visitor.decide("/shops/main/switch", &[("action", "resume"), ("confirm", "mian"), ("note", "")]);
    assert!(page.body.contains("Nothing was changed: type the shop"), "{}", page.body);
    let page = visitor.decide("/shops/main/switch", &[("action", "resume"), ("confirm", "main"), ("note", "")]);
    assert!(page.body.contains("Resumed: the next pass"), "{}", page.body);
    let journal = visitor.get("/shops/main/journal");
    assert!(journal.body.contains("desk &#60;b&#62;") && !journal.body.contains("desk <b>"), "{}", journal.body);
    assert!(journal.body.contains("wrong limits"));
    let said: Vec<(String, String)> = {
        let connection = store(&rig);
        let mut find =
            connection.prepare("SELECT event, actor FROM journal WHERE cause = 'operator' ORDER BY seq").unwrap();
        find.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(said, [("stop".into(), "desk <b>".into()), ("resume".into(), "desk <b>".into())]);
    assert_eq!(service.figure("reconciled_page_decisions_total"), Some(2));
    assert_eq!(refusals(&service, "decision"), 2);
    rig.audit();
    assert_eq!(service.terminate(), 0);
}

#[test]
fn a_refund_made_by_hand_is_adopted_for_exactly_its_amount() {
    let rig = Rig::demo(DRIVE);
    let service = start(&rig, OFTEN);
    let visitor = Visitor::enter(&service, "operator-1");
    let queue = "/shops/main/breaks?kind=refund_unattributed";
    wait_until("the break is open", || visitor.get(queue).body.contains("/shops/main/breaks/"));
    let id = first_id(&visitor.get(queue), "/shops/main/breaks/");
    let page = format!("/shops/main/breaks/{id}");
    let shown = visitor.get(&page);
    let order = first_id(&shown, "/shops/main/orders/");
    let refund = hidden(&shown, "refund");
    for told in [format!("<code>reconciled adopt {refund} "), format!("<code>reconciled explain {id}</code>")] {
        assert!(shown.body.contains(&told), "{told} is missing: {}", shown.body);
    }
    assert!(!shown.body.contains("0b1f7f5e") && !shown.body.contains("INV00025"), "an example's ids: {}", shown.body);
    let credit = first_id(&shown, "<option value=\"\">choose</option>\n        <option value=\"");
    let adopt = |confirm: &str, settles: &str| {
        let fields = [
            ("action", "adopt"),
            ("order", order.as_str()),
            ("refund", refund.as_str()),
            ("settles", settles),
            ("confirm", confirm),
            ("note", "refunded by hand on Monday"),
            ("from", id.as_str()),
        ];
        visitor.decide(&page, &fields).body
    };
    for wrong in ["", "1", "15.01", "-15.00", "15.00 EUR"] {
        let said = adopt(wrong, &credit);
        assert!(said.contains("to confirm, type the amount as it is shown: 15.00"), "{wrong}: {said}");
        assert!(said.contains("value=\"refunded by hand on Monday\""), "what was typed is kept: {said}");
    }
    assert!(adopt("15.00", "nothing").contains("choose what the refund was for"));
    assert_eq!(decisions(&rig), 0);
    assert!(adopt("15.00", &credit).contains("asks for 19.95"), "all of it is more than went back");
    assert_eq!(decisions(&rig), 0);
    let part = adopt("15,00", &format!("{credit}=1500"));
    assert!(part.contains("The refund settles a part of the credit invoice"), "a comma is as good as a point: {part}");
    assert_eq!(decisions(&rig), 1);
    wait_until("the break clears by itself", || !visitor.get(queue).body.contains(&page));
    rig.audit();
    assert_eq!(service.terminate(), 0);
}

#[test]
fn an_effect_that_a_ceiling_holds_goes_once_its_amount_is_typed() {
    let policy = format!("{DRIVE}\nrefund_limit_per_order = \"10.00\"");
    let rig = Rig::empty(&policy);
    let (order, credit) = rig.returned(5000, 2000);
    let service = start_under(&rig, &policy, RARELY);
    let visitor = Visitor::enter(&service, "operator-1");
    let queue = visitor.get("/shops/main/breaks?kind=limit_reached");
    let id = first_id(&queue, "/shops/main/breaks/");
    let page = format!("/shops/main/breaks/{id}");
    let shown = visitor.get(&page);
    let number = first_id(&shown, "/shops/main/orders/");
    let intent = &*hidden(&shown, "intent");
    let approve = |confirm: &str| {
        let fields = [("action", "approve"), ("order", &*number), ("intent", intent), ("confirm", confirm)];
        visitor.decide(&page, &[&fields[..], &[("note", "large return, checked"), ("from", &*id)]].concat()).body
    };
    assert!(approve("10.00").contains("type the amount as it is shown: 20.00"), "the ceiling is not the amount");
    assert_eq!((decisions(&rig), rig.pair(&order).refunded_under(&credit)), (0, 0));
    assert!(approve("20.00").contains("Approved; the next pass carries it out."));
    wait_until("the refund was made", || rig.pair(&order).refunded_under(&credit) == 2000);
    assert_eq!(decisions(&rig), 1);
    assert_eq!(service.terminate(), 0);
    rig.audit();
}

#[test]
fn a_new_token_logs_everybody_out_and_none_closes_the_page() {
    let rig = Rig::empty(DRIVE);
    let service = start(&rig, RARELY);
    let visitor = Visitor::enter(&service, "operator-1");
    assert_eq!(visitor.get("/shops/main").status, 200);
    rig.secret("server.token", "fedcba9876543210fedcba9876543210");
    service.signal(rustix::process::Signal::HUP);
    wait_until("the old session is over", || visitor.get("/shops/main").status == 303);
    assert_eq!(login(&service, "operator-1", TOKEN).status, 401);
    assert_eq!(login(&service, "operator-1", "fedcba9876543210fedcba9876543210").status, 303);
    assert_eq!(service.terminate(), 0);
}

#[test]
fn logging_out_ends_the_session_for_good() {
    let rig = Rig::empty(DRIVE);
    let service = start(&rig, RARELY);
    let visitor = Visitor::enter(&service, "operator-1");
    let form = visitor.get("/shops/main").form();
    let answer = visitor.post("/logout", &[("form", &form)]);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/login")));
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"), "{}", answer.head);
    assert_eq!(visitor.get("/shops/main").status, 303, "the old cookie opens nothing");
    assert_eq!(service.terminate(), 0);
}

#[test]
fn hostile_text_stays_text_on_every_page() {
    let rig = Rig::demo(DRIVE);
    let service = start(&rig, RARELY);
    let visitor = Visitor::enter(&service, "operator-1");
    let bad = "<script>alert(1)</script>\"'>=HYPERLINK(\"x\")\u{202e}gnp.\u{1b}[2J&amp;";
    poison(&rig, &format!("{bad}\0\r\nSet-Cookie: evil=1\r\n{}", "x".repeat(1 << 20)));
    let order = first_id(&visitor.get("/shops/main/breaks"), "/shops/main/orders/");
    let id = first_id(&visitor.get("/shops/main/breaks"), "/shops/main/breaks/");
    for path in [
        "/shops/main".to_owned(),
        "/shops/main/breaks".to_owned(),
        format!("/shops/main/breaks/{id}"),
        format!("/shops/main/orders/{order}"),
        "/shops/main/credits?show=all".to_owned(),
        "/shops/main/journal?show=all".to_owned(),
        "/shops/main/reports".to_owned(),
        "/shops/main/switch".to_owned(),
        format!("/shops/main/find?number={}", encoded(bad)),
    ] {
        let mut page = visitor.get(&path);
        if let Some(to) = page.header("location") {
            page = visitor.get(to);
        }
        assert_eq!(page.status, 200, "{path}");
        assert!(!page.body.contains("<script") && !page.body.contains("\"'>"), "{path}: {}", page.body);
        assert!(!page.body.contains(['\u{202e}', '\u{1b}', '\0', '\r']), "{path}");
        assert!(!page.head.contains("evil"), "{path}: {}", page.head);
        assert!(page.body.len() < 200_000, "{path}: {} bytes", page.body.len());
    }
    let order_page = visitor.get(&format!("/shops/main/orders/{order}")).body;
    assert!(order_page.contains("&#60;script&#62;alert(1)&#60;/script&#62;"), "it is shown as it is: {order_page}");
    assert_eq!(service.terminate(), 0);
}
