//! A disk that can lose power: what was synced, what is only written, and what a cut leaves of it.
//!
//! A cut keeps, of everything written since the last sync of a file, any subset of 512-byte sectors in any order; a
//! file made or deleted since may be there or not. Nothing else is ever lost and nothing is invented.

use std::collections::BTreeMap;
use std::sync::Arc;

const SECTOR: usize = 512;

/// One change of a file since it was last synced.
#[derive(Clone, Debug)]
enum Change {
    Made,
    Deleted,
    Written { at: usize, bytes: Vec<u8> },
    Cut { to: usize },
}

#[derive(Clone, Debug, Default)]
struct File {
    exists: bool,
    current: Vec<u8>,
    /// `None`: it was never synced, or its deletion is durable.
    synced: Option<Arc<Vec<u8>>>,
    since: Vec<Arc<Change>>,
}

/// A file of an image: as it was last synced, and what was written since.
#[derive(Clone, Debug)]
struct Left {
    synced: Option<Arc<Vec<u8>>>,
    since: Vec<Arc<Change>>,
}

/// What the disk would have to say at one moment; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Image {
    files: BTreeMap<String, Left>,
}

/// A moment at which the power may fail.
#[derive(Clone, Debug)]
pub struct Cut {
    pub image: Image,
    /// How many write transactions had ended.
    pub ended: usize,
    /// How many effects had happened outside.
    pub effects: usize,
    pub call: &'static str,
}

/// What an I/O call fails with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This one call fails.
    Broken,
    /// This call and every later one that needs room fails.
    Full,
}

/// How an I/O call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    Broken,
    Full,
}

#[derive(Debug, Default)]
pub struct Disk {
    files: BTreeMap<String, File>,
    calls: usize,
    fault: Option<(usize, Fault)>,
    /// The call the fault met first.
    pub failed: Option<&'static str>,
    /// Syncs of the log answer at once and do nothing, as `synchronous=NORMAL` leaves them out.
    lazy: bool,
    /// Remember every moment.
    recording: bool,
    pub cuts: Vec<Cut>,
    /// The contents after each write transaction; the first is before any.
    pub ended: Vec<Arc<BTreeMap<String, Vec<u8>>>>,
    pub effects: usize,
    /// Shared memory of the log's index.
    pub shared: BTreeMap<(String, usize), Box<[u8]>>,
}

impl Disk {
    /// An empty disk that remembers every moment.
    pub fn recording(lazy: bool) -> Self {
        Self { recording: true, lazy, ..Self::default() }
    }

    /// An empty disk of which one call fails.
    pub fn failing(at: usize, fault: Fault) -> Self {
        Self { fault: Some((at, fault)), ..Self::default() }
    }

    /// A disk with these files on it, all durable.
    pub fn holding(files: &BTreeMap<String, Vec<u8>>) -> Self {
        let file = |bytes: &Vec<u8>| File {
            exists: true,
            current: bytes.clone(),
            synced: Some(Arc::new(bytes.clone())),
            since: Vec::new(),
        };
        Self { files: files.iter().map(|(name, bytes)| (name.clone(), file(bytes))).collect(), ..Self::default() }
    }

    /// The files as a program sees them, synced or not: what a restart without a power loss finds.
    pub fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let there = self.files.iter().filter(|(_, file)| file.exists);
        there.map(|(name, file)| (name.clone(), file.current.clone())).collect()
    }

    /// Counts an I/O call, and says how it ends. `needs_room`: a full disk fails it.
    pub fn call(&mut self, call: &'static str, needs_room: bool) -> Outcome {
        self.calls += 1;
        if self.recording {
            self.remember(call);
        }
        let outcome = match self.fault {
            Some((at, Fault::Broken)) if at == self.calls => Outcome::Broken,
            Some((at, Fault::Full)) if at <= self.calls && needs_room => Outcome::Full,
            Some(_) | None => Outcome::Done,
        };
        if outcome != Outcome::Done && self.failed.is_none() {
            self.failed = Some(call);
        }
        outcome
    }

    fn remember(&mut self, call: &'static str) {
        let left = |file: &File| Left { synced: file.synced.clone(), since: file.since.clone() };
        let files = self.files.iter().map(|(name, file)| (name.clone(), left(file)));
        let image = Image { files: files.collect() };
        self.cuts.push(Cut { image, ended: self.ended.len(), effects: self.effects, call });
    }

    /// A write transaction ended, committed or not.
    pub fn transaction_ended(&mut self) {
        if self.recording {
            self.ended.push(Arc::new(self.contents()));
        }
    }

    pub fn open(&mut self, name: &str) {
        let file = self.files.entry(name.to_owned()).or_default();
        if !file.exists {
            *file = File { exists: true, current: Vec::new(), ..file.clone() };
            file.since.push(Arc::new(Change::Made));
        }
    }

    pub fn exists(&self, name: &str) -> bool {
        self.files.get(name).is_some_and(|file| file.exists)
    }

    pub fn delete(&mut self, name: &str) {
        if let Some(file) = self.files.get_mut(name).filter(|file| file.exists) {
            file.exists = false;
            file.current = Vec::new();
            file.since.push(Arc::new(Change::Deleted));
        }
    }

    pub fn size(&self, name: &str) -> usize {
        self.files.get(name).map_or(0, |file| file.current.len())
    }

    /// Fills `out`, with zeros behind the end; how much there was.
    pub fn read(&self, name: &str, at: usize, out: &mut [u8]) -> usize {
        let current = self.files.get(name).map_or(&[][..], |file| &file.current);
        let there = current.get(at..).unwrap_or_default();
        let count = there.len().min(out.len());
        out.fill(0);
        out[..count].copy_from_slice(&there[..count]);
        count
    }

    /// Takes the bytes down before the call is counted, so that a cut at this very call may tear them.
    pub fn write(&mut self, name: &str, at: usize, bytes: &[u8]) -> Outcome {
        let file = self.files.entry(name.to_owned()).or_default();
        file.since.push(Arc::new(Change::Written { at, bytes: bytes.to_vec() }));
        let outcome = self.call("write", true);
        let file = self.files.entry(name.to_owned()).or_default();
        if outcome == Outcome::Done {
            put(&mut file.current, at, bytes);
        } else {
            file.since.pop();
        }
        outcome
    }

    pub fn truncate(&mut self, name: &str, to: usize) {
        let file = self.files.entry(name.to_owned()).or_default();
        file.current.truncate(to);
        file.since.push(Arc::new(Change::Cut { to }));
    }

    pub fn sync(&mut self, name: &str) {
        if self.lazy && name.ends_with("-wal") {
            return;
        }
        let Some(file) = self.files.get_mut(name) else { return };
        let is_new = file.since.iter().any(|change| matches!(change.as_ref(), Change::Made));
        file.synced = file.exists.then(|| Arc::new(file.current.clone()));
        file.since.clear();
        // SQLite syncs the directory with the first sync of a journal or a log that it made.
        if is_new && (name.ends_with("-wal") || name.ends_with("-journal")) {
            self.sync_directory();
        }
    }

    /// What is there and what is not becomes durable; what is in the files does not.
    fn sync_directory(&mut self) {
        for file in self.files.values_mut() {
            if let Some(last) = file.since.iter().rposition(|change| matches!(change.as_ref(), Change::Deleted)) {
                file.synced = None;
                file.since.drain(..=last);
            }
            let was_made = file.since.iter().any(|change| matches!(change.as_ref(), Change::Made));
            if was_made {
                file.synced = Some(Arc::default());
                file.since.retain(|change| !matches!(change.as_ref(), Change::Made));
            }
        }
    }
}

fn put(into: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    if into.len() < at + bytes.len() {
        into.resize(at + bytes.len(), 0);
    }
    into[at..at + bytes.len()].copy_from_slice(bytes);
}

impl Image {
    /// What is found when the power is back.
    pub fn after_the_cut(&self, random: &mut Random) -> BTreeMap<String, Vec<u8>> {
        // Nothing of it, some of it, or most of it was on its way.
        let kept = [0, 500, 900][random.below(3)];
        let survivors = self.files.iter().filter_map(|(name, left)| {
            Some((name.clone(), survivor(left.synced.as_deref(), &left.since, kept, random)?))
        });
        survivors.collect()
    }
}

fn survivor(synced: Option<&Vec<u8>>, since: &[Arc<Change>], kept: usize, random: &mut Random) -> Option<Vec<u8>> {
    let mut file = synced.cloned();
    for change in since {
        match change.as_ref() {
            Change::Made if random.is(kept) => file = file.or_else(|| Some(Vec::new())),
            Change::Deleted if random.is(kept) => file = None,
            Change::Cut { to } if random.is(kept) => {
                if let Some(bytes) = &mut file {
                    bytes.truncate(*to);
                }
            }
            Change::Made | Change::Deleted | Change::Cut { .. } => {}
            Change::Written { at, bytes } => torn(&mut file, *at, bytes, kept, random),
        }
    }
    file
}

/// Keeps some of the sectors of one write.
fn torn(file: &mut Option<Vec<u8>>, at: usize, bytes: &[u8], kept: usize, random: &mut Random) {
    let mut from = 0;
    while from < bytes.len() {
        let to = bytes.len().min(from + SECTOR - (at + from) % SECTOR);
        if random.is(kept) {
            put(file.get_or_insert_with(Vec::new), at + from, &bytes[from..to]);
        }
        from = to;
    }
}

/// A fixed sequence without a pattern.
pub struct Random(u64);

impl Random {
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678_9abc_def1)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }

    /// True in so many of a thousand cases.
    fn is(&mut self, permille: usize) -> bool {
        self.below(1_000) < permille
    }
}
