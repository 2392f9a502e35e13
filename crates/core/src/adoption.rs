//! What a human may say a refund was for, and what that leaves.
//!
//! Pure, and shared by the store, the command and the page. An adoption is a list of parts: one refund may settle several
//! credit invoices, and several one. No part exceeds its credit invoice, and together they never exceed the refund; what
//! they leave of the refund is explained by nothing, and what they leave of a credit invoice is refunded as one refund of
//! ours, under a name of its own.

use jiff::Timestamp;

use super::id::{InvoiceId, InvoiceNumber, Reference};
use super::money::Minor;
use super::policy::AMOUNT_TOLERANCE;

/// What a part of a refund settles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Settles {
    Credit(InvoiceId),
    /// The remainder of a cancelled order.
    Cancel,
    /// Nothing of this order, as a human said: goodwill, or a mistake.
    Nothing,
}

/// A part of a refund, in minor units of the order's currency; positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub settles: Settles,
    pub amount: Minor,
}

/// The name of the refund that makes up what others' refunds left of a credit invoice. It is not the name of the whole, so
/// that neither its key nor its intent is ever taken for that of the whole.
pub fn rest_reference(number: &InvoiceNumber) -> Reference {
    Reference(format!("{number}{REST}"))
}

const REST: &str = ":rest";

pub fn is_rest(reference: &Reference) -> bool {
    reference.as_str().ends_with(REST)
}

/// A credit invoice, as far as it bears on an adoption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    pub id: InvoiceId,
    pub number: InvoiceNumber,
    pub created_at: Timestamp,
    /// What it asks for and no other refund covers.
    pub amount: Minor,
}

/// What a human wants a refund to settle; without an amount, as much of it as fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    pub settles: Settles,
    pub amount: Option<Minor>,
}

/// Why a refund cannot be adopted like this. Amounts are in minor units of the order's currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is no credit invoice of the order.
    Unknown(InvoiceId),
    Twice,
    /// Some have an amount and some have none.
    Mixed,
    NotPositive,
    ExceedsRefund {
        refund: Minor,
        parts: Minor,
    },
    ExceedsCredit {
        number: InvoiceNumber,
        open: Minor,
        part: Minor,
    },
    /// Without amounts the refund must be what the credit invoices ask for.
    NotExact {
        refund: Minor,
        open: Vec<(InvoiceNumber, Minor)>,
    },
}

/// The parts of a refund over `refund` that `wishes` mean, oldest credit invoice first.
///
/// # Errors
/// What does not add up. Wishes without amounts must fit exactly, to a minor unit.
pub fn parts(refund: Minor, wishes: &[Wish], open: &[Open]) -> Result<Vec<Part>, Refusal> {
    let said = wishes.iter().filter(|wish| wish.amount.is_some()).count();
    if said > 0 && said < wishes.len() {
        return Err(Refusal::Mixed);
    }
    let mut parts = Vec::with_capacity(wishes.len());
    if said > 0 {
        parts.extend(wishes.iter().filter_map(|wish| Some(Part { settles: wish.settles, amount: wish.amount? })));
    } else {
        let mut left = refund;
        for (wish, asks) in oldest_first(wishes, open)? {
            let amount = asks.map_or(left, |asks| asks.amount.min(left));
            left = left.minus(amount);
            parts.push(Part { settles: wish.settles, amount });
        }
        let asked = oldest_first(wishes, open)?.into_iter().filter_map(|(_, asks)| asks);
        let asked: Vec<(InvoiceNumber, Minor)> = asked.map(|it| (it.number.clone(), it.amount)).collect();
        let sum: Minor = asked.iter().map(|(_, amount)| *amount).collect();
        let takes_all = wishes.iter().any(|wish| !matches!(wish.settles, Settles::Credit(_)));
        let fits = is_near(refund, sum) || takes_all && refund.minus(sum).is_positive();
        if !fits {
            return Err(Refusal::NotExact { refund, open: asked });
        }
    }
    check(refund, &parts, open)?;
    Ok(parts)
}

/// Whether a refund over `refund` may be adopted in these parts.
///
/// # Errors
/// What does not add up.
pub fn check(refund: Minor, parts: &[Part], open: &[Open]) -> Result<(), Refusal> {
    for (index, part) in parts.iter().enumerate() {
        if !part.amount.is_positive() {
            return Err(Refusal::NotPositive);
        }
        if parts.iter().take(index).any(|other| other.settles == part.settles) {
            return Err(Refusal::Twice);
        }
        let Settles::Credit(id) = part.settles else { continue };
        let asks = open.iter().find(|it| it.id == id).ok_or(Refusal::Unknown(id))?;
        if part.amount > asks.amount && !planted!("parts_exceed_the_credit") {
            let (number, open) = (asks.number.clone(), asks.amount);
            return Err(Refusal::ExceedsCredit { number, open, part: part.amount });
        }
    }
    let sum: Minor = parts.iter().map(|part| part.amount).collect();
    if sum > refund { Err(Refusal::ExceedsRefund { refund, parts: sum }) } else { Ok(()) }
}

/// Wishes with what they ask for: credit invoices as they were made, then what takes the remainder.
fn oldest_first<'a>(wishes: &[Wish], open: &'a [Open]) -> Result<Vec<(Wish, Option<&'a Open>)>, Refusal> {
    let mut found = Vec::with_capacity(wishes.len());
    for wish in wishes {
        found.push((
            *wish,
            match wish.settles {
                Settles::Credit(id) => Some(open.iter().find(|it| it.id == id).ok_or(Refusal::Unknown(id))?),
                Settles::Cancel | Settles::Nothing => None,
            },
        ));
    }
    found.sort_by_key(|(wish, asks)| (asks.is_none(), asks.map(|it| it.created_at), wish.settles));
    Ok(found)
}

/// Most that are tried together; an order has one or two.
const MOST_TOGETHER: usize = 8;

/// Which adoption fits what nothing explains yet: the one credit invoice of that amount, else those that together have it,
/// oldest first; else the oldest that is not smaller; else all that ask for something, and a rest stays. Empty when
/// nothing is open.
pub fn offer(unexplained: Minor, open: &[Open]) -> Vec<(InvoiceNumber, Minor)> {
    let mut open: Vec<&Open> = open.iter().filter(|it| it.amount.get() > AMOUNT_TOLERANCE).collect();
    open.sort_by_key(|it| (it.created_at, it.id));
    let part = |it: &&Open| (it.number.clone(), it.amount.min(unexplained));
    let few = open.get(..open.len().min(MOST_TOGETHER)).unwrap_or_default();
    for size in 1..=few.len() {
        if let Some(found) = together(few, size, unexplained) {
            return capped(&found, unexplained);
        }
    }
    match open.iter().find(|it| it.amount >= unexplained) {
        Some(larger) => vec![part(larger)],
        None => capped(&open, unexplained),
    }
}

/// The first `size` of them, in their order, whose amounts are `sum`.
fn together<'a>(from: &[&'a Open], size: usize, sum: Minor) -> Option<Vec<&'a Open>> {
    if size == 0 {
        return is_near(sum, Minor::ZERO).then(Vec::new);
    }
    let (first, others) = from.split_first()?;
    let with = together(others, size.saturating_sub(1), sum.minus(first.amount)).map(|mut found| {
        found.insert(0, *first);
        found
    });
    with.or_else(|| together(others, size, sum))
}

/// Their parts of `sum`, which never add up to more.
fn capped(found: &[&Open], sum: Minor) -> Vec<(InvoiceNumber, Minor)> {
    let mut left = sum;
    let mut parts = Vec::with_capacity(found.len());
    for it in found {
        let amount = it.amount.min(left);
        left = left.minus(amount);
        if amount.is_positive() {
            parts.push((it.number.clone(), amount));
        }
    }
    parts
}

pub fn is_near(one: Minor, other: Minor) -> bool {
    let tolerance = if planted!("no_cent_in_adoptions") { 0 } else { AMOUNT_TOLERANCE };
    one.minus(other).abs().get() <= tolerance
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eur(minor: i64) -> Minor {
        Minor::new(minor).unwrap()
    }

    fn open(all: &[(u64, i64)]) -> Vec<Open> {
        let one = |(id, minor): &(u64, i64)| Open {
            id: InvoiceId(*id),
            number: InvoiceNumber(format!("INV{id}")),
            created_at: Timestamp::UNIX_EPOCH,
            amount: eur(*minor),
        };
        all.iter().map(one).collect()
    }

    fn wishes(all: &[(u64, Option<i64>)]) -> Vec<Wish> {
        let one = |(id, minor): &(u64, Option<i64>)| Wish {
            settles: Settles::Credit(InvoiceId(*id)),
            amount: minor.map(eur),
        };
        all.iter().map(one).collect()
    }

    fn amounts(parts: &[Part]) -> Vec<i64> {
        parts.iter().map(|part| part.amount.get()).collect()
    }

    #[test]
    fn without_amounts_it_fits_exactly_or_is_refused_with_the_sums() {
        let all = open(&[(1, 2500), (2, 3000)]);
        let fit = |refund, ids: &[u64]| {
            let bare: Vec<_> = ids.iter().map(|id| (*id, None)).collect();
            parts(eur(refund), &wishes(&bare), &all).map(|parts| amounts(&parts))
        };
        assert_eq!(fit(5500, &[2, 1]), Ok(vec![2500, 3000]));
        assert_eq!(fit(5499, &[1, 2]), Ok(vec![2500, 2999]));
        assert_eq!(fit(5501, &[1, 2]), Ok(vec![2500, 3000]));
        assert_eq!(fit(2499, &[1]), Ok(vec![2499]));
        for refund in [2000, 5500] {
            let open = vec![(InvoiceNumber("INV1".to_owned()), eur(2500))];
            assert_eq!(fit(refund, &[1]), Err(Refusal::NotExact { refund: eur(refund), open }));
        }
        assert_eq!(fit(5500, &[1, 3]), Err(Refusal::Unknown(InvoiceId(3))));
        assert_eq!(
            fit(2500, &[1, 1]),
            Err(Refusal::NotExact {
                refund: eur(2500),
                open: vec![
                    (InvoiceNumber("INV1".to_owned()), eur(2500)),
                    (InvoiceNumber("INV1".to_owned()), eur(2500))
                ],
            })
        );
    }

    #[test]
    fn what_takes_the_remainder_takes_all_that_the_others_leave() {
        let all = open(&[(1, 2500)]);
        let fit = |refund, settles| {
            let rest = Wish { settles, amount: None };
            parts(eur(refund), &[rest, wishes(&[(1, None)])[0]], &all).map(|parts| amounts(&parts))
        };
        for settles in [Settles::Nothing, Settles::Cancel] {
            assert_eq!(fit(5500, settles), Ok(vec![2500, 3000]));
            assert_eq!(fit(2500, settles), Err(Refusal::NotPositive), "nothing is left");
            assert!(matches!(fit(2000, settles), Err(Refusal::NotExact { .. })));
        }
    }

    #[test]
    fn parts_never_exceed_the_refund_or_a_credit_invoice() {
        let all = open(&[(1, 2500), (2, 3000)]);
        let fit = |refund, said: &[(u64, Option<i64>)]| parts(eur(refund), &wishes(said), &all);
        assert_eq!(fit(5500, &[(1, Some(2500))]).map(|parts| amounts(&parts)), Ok(vec![2500]));
        assert_eq!(fit(2000, &[(1, Some(2000))]).map(|parts| amounts(&parts)), Ok(vec![2000]));
        assert_eq!(
            fit(5000, &[(1, Some(2500)), (2, Some(3000))]),
            Err(Refusal::ExceedsRefund { refund: eur(5000), parts: eur(5500) })
        );
        let number = InvoiceNumber("INV1".to_owned());
        assert_eq!(
            fit(5500, &[(1, Some(2501))]),
            Err(Refusal::ExceedsCredit { number, open: eur(2500), part: eur(2501) })
        );
        assert_eq!(fit(5500, &[(1, Some(0))]), Err(Refusal::NotPositive));
        assert_eq!(fit(5500, &[(1, Some(1)), (1, Some(1))]), Err(Refusal::Twice));
        assert_eq!(fit(5500, &[(1, Some(1)), (2, None)]), Err(Refusal::Mixed));
    }

    #[test]
    fn what_is_offered_is_what_fits_best() {
        let offered = |unexplained, all: &[(u64, i64)]| {
            let offer = offer(eur(unexplained), &open(all));
            offer.iter().map(|(number, amount)| format!("{number}={}", amount.get())).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(offered(5500, &[(1, 2500), (2, 3000)]), "INV1=2500 INV2=3000");
        assert_eq!(offered(3000, &[(1, 2500), (2, 3000)]), "INV2=3000");
        assert_eq!(offered(5500, &[(1, 2500), (2, 1000), (3, 3000)]), "INV1=2500 INV3=3000");
        assert_eq!(offered(2000, &[(1, 2500), (2, 3000)]), "INV1=2000");
        assert_eq!(offered(9000, &[(1, 2500), (2, 3000)]), "INV1=2500 INV2=3000");
        assert_eq!(offered(5499, &[(1, 2500), (2, 3000)]), "INV1=2500 INV2=2999");
        assert_eq!(offered(5500, &[]), "");
        assert_eq!(offered(5500, &[(1, 1)]), "", "a cent is rounding");
        assert_eq!(offered(5500, &[(1, 2)]), "INV1=2");
        // Beyond those that are tried together, too.
        let mut many: Vec<_> = (1..=8).map(|id| (id, 30)).collect();
        many.push((9, 2000));
        assert_eq!(offered(2000, &many), "INV9=2000");
    }
}
