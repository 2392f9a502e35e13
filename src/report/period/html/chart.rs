//! The charts as coordinates of an SVG, in whole units of its picture.
//!
//! Every value also stands as text beside its bar or in the chart's description: a picture says nothing alone.

use super::super::Summary;
use super::super::locale::Locale;

/// The size of the drawing, without its labels.
const WIDTH: i64 = 400;
const HEIGHT: i64 = 130;
/// Above and below the drawing.
const TOP: i64 = 22;
const BOTTOM: i64 = 34;

/// So many points of a line are drawn.
const POINTS: i64 = 62;

/// So many weeks of bars are drawn: the last ones.
const WEEKS: usize = 14;

pub(super) struct Chart {
    pub(super) title: &'static str,
    /// The chart in words.
    pub(super) about: String,
    pub(super) bars: Vec<Bar>,
    /// The points of a line, `x,y x,y …`; empty where the chart has bars.
    pub(super) line: String,
    /// The same closed to an area.
    pub(super) area: String,
    pub(super) labels: Vec<Label>,
    /// What the two colours are.
    pub(super) legend: Option<(&'static str, &'static str)>,
    pub(super) is_empty: bool,
}

pub(super) struct Bar {
    pub(super) x: i64,
    pub(super) y: i64,
    pub(super) width: i64,
    pub(super) height: i64,
    pub(super) class: &'static str,
    /// Said when a pointer rests on it.
    pub(super) said: String,
}

pub(super) struct Label {
    pub(super) x: i64,
    pub(super) y: i64,
    pub(super) text: String,
    pub(super) class: &'static str,
}

impl Chart {
    pub(super) const fn width() -> i64 {
        WIDTH
    }

    pub(super) const fn height() -> i64 {
        HEIGHT.saturating_add(TOP).saturating_add(BOTTOM)
    }

    pub(super) const fn base() -> i64 {
        HEIGHT.saturating_add(TOP)
    }

    fn new(title: &'static str, is_empty: bool) -> Self {
        Self {
            title,
            about: String::new(),
            bars: Vec::new(),
            line: String::new(),
            area: String::new(),
            labels: Vec::new(),
            legend: None,
            is_empty,
        }
    }
}

/// `value` as a part of `HEIGHT`, where `most` is all of it; never nothing for something.
fn scaled(value: i64, most: i64) -> i64 {
    let height = i128::from(value.max(0)).saturating_mul(i128::from(HEIGHT)).checked_div(i128::from(most.max(1)));
    let height = i64::try_from(height.unwrap_or(0)).unwrap_or(HEIGHT).min(HEIGHT);
    if value > 0 { height.max(2) } else { 0 }
}

fn slot(count: usize) -> i64 {
    WIDTH.checked_div(i64::try_from(count).unwrap_or(1).max(1)).unwrap_or(WIDTH)
}

/// One thing along the bottom: its name, and what is drawn of it.
struct Column {
    label: String,
    value: i64,
    shown: String,
    other: Option<(i64, String)>,
}

fn columns(title: &'static str, all: &[Column], legend: Option<(&'static str, &'static str)>) -> Chart {
    let most = all.iter().flat_map(|it| [it.value, it.other.as_ref().map_or(0, |(value, _)| *value)]).max();
    let most = most.unwrap_or(0);
    let mut chart = Chart::new(title, most <= 0);
    chart.legend = legend;
    let slot = slot(all.len());
    let mut said = Vec::new();
    for (index, it) in all.iter().enumerate() {
        let left = slot.saturating_mul(i64::try_from(index).unwrap_or(0));
        let middle = left.saturating_add(slot.div_euclid(2));
        let parts = if it.other.is_some() { 2 } else { 1 };
        let width = slot.saturating_mul(3).div_euclid(5).div_euclid(parts).max(2);
        let start = middle.saturating_sub(width.saturating_mul(parts).div_euclid(2));
        let height = scaled(it.value, most);
        let y = Chart::base().saturating_sub(height);
        let mut description = format!("{}: {}", it.label, it.shown);
        chart.bars.push(Bar { x: start, y, width, height, class: "first", said: description.clone() });
        if let Some((other, shown)) = &it.other {
            let height = scaled(*other, most);
            let x = start.saturating_add(width);
            let (y, words) = (Chart::base().saturating_sub(height), format!("{}: {shown}", it.label));
            chart.bars.push(Bar { x, y, width, height, class: "second", said: words });
            description = format!("{description} and {shown}");
        } else if it.value > 0 {
            let y = y.saturating_sub(6);
            chart.labels.push(Label { x: middle, y, text: it.shown.clone(), class: "value" });
        }
        let y = Chart::base().saturating_add(16);
        chart.labels.push(Label { x: middle, y, text: it.label.clone(), class: "axis" });
        said.push(description);
    }
    chart.about = said.join("; ");
    chart
}

pub(super) fn all(summary: &Summary, locale: Locale) -> Vec<Chart> {
    vec![ages(summary, locale), stakes(summary, locale), waits(summary, locale), weeks(summary, locale)]
}

fn money(summary: &Summary, locale: Locale, amount: i64) -> String {
    locale.amount(amount, summary.extent.currency)
}

fn ages(summary: &Summary, locale: Locale) -> Chart {
    let bars = summary.charts.ages().iter().map(|bar| Column {
        label: bar.label.clone(),
        value: bar.count,
        shown: locale.integer(bar.count),
        other: None,
    });
    columns("Open differences by age", &bars.collect::<Vec<_>>(), None)
}

fn waits(summary: &Summary, locale: Locale) -> Chart {
    let bars = summary.charts.waits().iter().map(|bar| Column {
        label: bar.label.clone(),
        value: bar.count,
        shown: locale.integer(bar.count),
        other: None,
    });
    columns("From credit invoice to paid", &bars.collect::<Vec<_>>(), None)
}

fn weeks(summary: &Summary, locale: Locale) -> Chart {
    let all: Vec<_> = summary.charts.weeks().collect();
    let last = all.iter().skip(all.len().saturating_sub(WEEKS));
    let bars = last.map(|(week, bar)| Column {
        label: week.to_zoned(jiff::tz::TimeZone::UTC).strftime("%-d-%-m").to_string(),
        value: bar.amount,
        shown: format!("captured {}", money(summary, locale, bar.amount)),
        other: Some((bar.other, format!("refunded {}", money(summary, locale, bar.other)))),
    });
    let title = "Captured and refunded per week";
    let mut chart = columns(title, &bars.collect::<Vec<_>>(), Some(("captured", "refunded")));
    let most = all.iter().flat_map(|(_, bar)| [bar.amount, bar.other]).max().unwrap_or(0);
    chart.labels.push(Label { x: 0, y: TOP.saturating_sub(8), text: money(summary, locale, most), class: "top" });
    chart
}

fn stakes(summary: &Summary, locale: Locale) -> Chart {
    let points = summary.charts.stakes(POINTS);
    let most = points.iter().map(|(_, sum)| *sum).max().unwrap_or(0);
    let mut chart = Chart::new("Money at stake over time", most <= 0);
    let steps = i64::try_from(points.len().saturating_sub(1)).unwrap_or(1).max(1);
    let place = |index: usize, sum: i64| {
        let x = WIDTH.saturating_mul(i64::try_from(index).unwrap_or(0)).checked_div(steps).unwrap_or(0);
        format!("{x},{}", Chart::base().saturating_sub(scaled(sum, most)))
    };
    let line: Vec<String> = points.iter().enumerate().map(|(index, (_, sum))| place(index, *sum)).collect();
    chart.area = format!("0,{} {} {WIDTH},{}", Chart::base(), line.join(" "), Chart::base());
    chart.line = line.join(" ");
    let ends = [points.first().map(|it| (0, it, "left")), points.last().map(|it| (WIDTH, it, "right"))];
    for (x, (at, sum), class) in ends.into_iter().flatten() {
        let y = Chart::base().saturating_add(16);
        chart.labels.push(Label { x, y, text: locale.date(*at), class });
        let y = Chart::base().saturating_sub(scaled(*sum, most)).saturating_sub(8);
        chart.labels.push(Label { x, y, text: money(summary, locale, *sum), class });
    }
    let first = points.first().map_or(0, |it| it.1);
    let last = points.last().map_or(0, |it| it.1);
    chart.about = format!(
        "{} at the end of the first day, {} at the end of the last, at most {}",
        money(summary, locale, first),
        money(summary, locale, last),
        money(summary, locale, most),
    );
    chart
}
