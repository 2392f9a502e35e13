//! Every file of scenes, for the tests that go through all of them.

mod absence;
mod ageing;
mod attribution;
mod candidates;
mod captures;
mod checks;
mod consent;
mod delivered;
mod given;
mod in_flight;
mod limits;
mod links;
mod offers;
mod open;
mod proof;
mod refunds;
mod rest;
mod reversal;
mod rounding;
mod share;
mod shipments;
mod values;
mod watched;

use crate::common::Scene;

type Named = (&'static str, fn() -> Scene);

pub(crate) fn every_case() -> impl Iterator<Item = Named> {
    let files = [
        absence::ALL,
        attribution::ALL,
        captures::ALL,
        checks::ALL,
        consent::ALL,
        delivered::ALL,
        given::ALL,
        in_flight::ALL,
        limits::ALL,
        links::ALL,
        open::ALL,
        proof::ALL,
        refunds::ALL,
        rounding::ALL,
        rest::ALL,
        reversal::ALL,
        shipments::ALL,
        watched::ALL,
        share::ALL,
    ];
    files.into_iter().flatten().copied()
}
