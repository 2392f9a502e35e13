//! SQLite's view of a [`Disk`]: the functions it calls instead of the operating system's.
//!
//! One connection at a time uses a disk, so locks are always granted; the one that SQLite takes to write the log tells
//! when a write transaction ends. Every pointer comes from SQLite and lives as its documentation promises.
#![allow(
    unsafe_code,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::cast_ptr_alignment,
    clippy::ptr_as_ptr,
    clippy::borrow_as_ptr,
    reason = "a VFS is a table of C functions; no other way leads under SQLite"
)]

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::PathBuf;
use std::ptr;
use std::slice;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

use rusqlite::ffi::{self, sqlite3_file, sqlite3_io_methods, sqlite3_vfs};

use super::disk::{Disk, Outcome};

pub const NAME: &CStr = c"cuttable";

type Shared = Arc<Mutex<Disk>>;

static DISKS: Mutex<BTreeMap<u64, Shared>> = Mutex::new(BTreeMap::new());

/// A disk that SQLite can open files on, for as long as this lives.
pub struct Mounted {
    number: u64,
    disk: Shared,
}

impl Mounted {
    pub fn new(disk: Disk) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        register();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let disk = Arc::new(Mutex::new(disk));
        locked(&DISKS).insert(number, Arc::clone(&disk));
        Self { number, disk }
    }

    /// Where the store's file lies.
    pub fn path(&self) -> PathBuf {
        PathBuf::from(format!("/{}/reconciled.db", self.number))
    }

    pub fn with<T>(&self, act: impl FnOnce(&mut Disk) -> T) -> T {
        act(&mut locked(&self.disk))
    }

    pub fn share(&self) -> Shared {
        Arc::clone(&self.disk)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        locked(&DISKS).remove(&self.number);
    }
}

pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// `/7/reconciled.db-wal` is a file of disk 7; disks know files by what follows the number.
fn find(path: &str) -> Option<(Shared, String)> {
    let (number, name) = path.strip_prefix('/')?.split_once('/')?;
    let disk = locked(&DISKS).get(&number.parse().ok()?).cloned()?;
    Some((disk, name.to_owned()))
}

struct Open {
    disk: Shared,
    name: String,
}

#[repr(C)]
struct Handle {
    base: sqlite3_file,
    open: *mut Open,
}

unsafe fn opened<'a>(file: *mut sqlite3_file) -> &'a Open {
    unsafe { &*(*file.cast::<Handle>()).open }
}

unsafe fn text<'a>(name: *const c_char) -> &'a str {
    unsafe { CStr::from_ptr(name) }.to_str().unwrap_or("")
}

/// The error that SQLite's own VFS would give for this call.
const fn code(outcome: Outcome, broken: c_int) -> c_int {
    match outcome {
        Outcome::Done => ffi::SQLITE_OK,
        Outcome::Broken => broken,
        Outcome::Full => ffi::SQLITE_FULL,
    }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    drop(unsafe { Box::from_raw((*file.cast::<Handle>()).open) });
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(file: *mut sqlite3_file, into: *mut c_void, count: c_int, at: i64) -> c_int {
    let open = unsafe { opened(file) };
    let out = unsafe { slice::from_raw_parts_mut(into.cast::<u8>(), count as usize) };
    let mut disk = locked(&open.disk);
    let outcome = disk.call("read", false);
    if outcome != Outcome::Done {
        return code(outcome, ffi::SQLITE_IOERR_READ);
    }
    let there = disk.read(&open.name, at as usize, out);
    if there < out.len() { ffi::SQLITE_IOERR_SHORT_READ } else { ffi::SQLITE_OK }
}

unsafe extern "C" fn write(file: *mut sqlite3_file, from: *const c_void, count: c_int, at: i64) -> c_int {
    let open = unsafe { opened(file) };
    let bytes = unsafe { slice::from_raw_parts(from.cast::<u8>(), count as usize) };
    code(locked(&open.disk).write(&open.name, at as usize, bytes), ffi::SQLITE_IOERR_WRITE)
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, to: i64) -> c_int {
    let open = unsafe { opened(file) };
    let mut disk = locked(&open.disk);
    let outcome = disk.call("truncate", true);
    if outcome == Outcome::Done {
        disk.truncate(&open.name, to as usize);
    }
    code(outcome, ffi::SQLITE_IOERR_TRUNCATE)
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, _flags: c_int) -> c_int {
    let open = unsafe { opened(file) };
    let mut disk = locked(&open.disk);
    let outcome = disk.call("sync", true);
    if outcome == Outcome::Done {
        disk.sync(&open.name);
    }
    code(outcome, ffi::SQLITE_IOERR_FSYNC)
}

unsafe extern "C" fn file_size(file: *mut sqlite3_file, out: *mut i64) -> c_int {
    let open = unsafe { opened(file) };
    let mut disk = locked(&open.disk);
    let outcome = disk.call("size", false);
    unsafe { *out = disk.size(&open.name) as i64 };
    code(outcome, ffi::SQLITE_IOERR_FSTAT)
}

unsafe extern "C" fn granted(_file: *mut sqlite3_file, _level: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn not_reserved(_file: *mut sqlite3_file, out: *mut c_int) -> c_int {
    unsafe { *out = 0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn no_control(_file: *mut sqlite3_file, _op: c_int, _argument: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

/// As SQLite's own VFS on a common file system.
unsafe extern "C" fn sector_size(_file: *mut sqlite3_file) -> c_int {
    4096
}

unsafe extern "C" fn characteristics(_file: *mut sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shared_map(
    file: *mut sqlite3_file, region: c_int, size: c_int, extend: c_int, out: *mut *mut c_void,
) -> c_int {
    let open = unsafe { opened(file) };
    let mut disk = locked(&open.disk);
    let place = (open.name.clone(), region as usize);
    let known = disk.shared.contains_key(&place);
    let found = (known || extend != 0)
        .then(|| disk.shared.entry(place).or_insert_with(|| vec![0; size as usize].into_boxed_slice()).as_mut_ptr());
    unsafe { *out = found.map_or(ptr::null_mut(), <*mut u8>::cast) };
    ffi::SQLITE_OK
}

/// Slot 0 is held by whoever writes the log.
unsafe extern "C" fn shared_lock(file: *mut sqlite3_file, slot: c_int, _count: c_int, flags: c_int) -> c_int {
    if slot == 0 && flags == ffi::SQLITE_SHM_UNLOCK | ffi::SQLITE_SHM_EXCLUSIVE {
        locked(unsafe { &opened(file).disk }).transaction_ended();
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn shared_barrier(_file: *mut sqlite3_file) {}

unsafe extern "C" fn shared_unmap(file: *mut sqlite3_file, delete: c_int) -> c_int {
    let open = unsafe { opened(file) };
    if delete != 0 {
        locked(&open.disk).shared.retain(|(name, _), _| *name != open.name);
    }
    ffi::SQLITE_OK
}

static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(granted),
    xUnlock: Some(granted),
    xCheckReservedLock: Some(not_reserved),
    xFileControl: Some(no_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shared_map),
    xShmLock: Some(shared_lock),
    xShmBarrier: Some(shared_barrier),
    xShmUnmap: Some(shared_unmap),
    xFetch: None,
    xUnfetch: None,
};

unsafe extern "C" fn open(
    _vfs: *mut sqlite3_vfs, name: *const c_char, file: *mut sqlite3_file, flags: c_int, out: *mut c_int,
) -> c_int {
    unsafe { (*file).pMethods = ptr::null() };
    let found = if name.is_null() { None } else { find(unsafe { text(name) }) };
    let Some((disk, name)) = found else { return ffi::SQLITE_CANTOPEN };
    {
        let mut disk = locked(&disk);
        let makes = !disk.exists(&name);
        if disk.call("open", makes) != Outcome::Done {
            return ffi::SQLITE_CANTOPEN;
        }
        disk.open(&name);
    }
    unsafe {
        (*file.cast::<Handle>()).open = Box::into_raw(Box::new(Open { disk, name }));
        (*file).pMethods = &raw const METHODS;
        if !out.is_null() {
            *out = flags;
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(_vfs: *mut sqlite3_vfs, name: *const c_char, _sync: c_int) -> c_int {
    let Some((disk, name)) = find(unsafe { text(name) }) else { return ffi::SQLITE_IOERR_DELETE };
    let mut disk = locked(&disk);
    let outcome = disk.call("delete", false);
    if outcome == Outcome::Done {
        disk.delete(&name);
    }
    code(outcome, ffi::SQLITE_IOERR_DELETE)
}

unsafe extern "C" fn access(_vfs: *mut sqlite3_vfs, name: *const c_char, _flags: c_int, out: *mut c_int) -> c_int {
    let found = find(unsafe { text(name) });
    let there = found.is_some_and(|(disk, name)| locked(&disk).exists(&name));
    unsafe { *out = c_int::from(there) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn full_path(_vfs: *mut sqlite3_vfs, name: *const c_char, room: c_int, out: *mut c_char) -> c_int {
    let bytes = unsafe { CStr::from_ptr(name) }.to_bytes_with_nul();
    if bytes.len() > room as usize {
        return ffi::SQLITE_CANTOPEN;
    }
    unsafe { ptr::copy_nonoverlapping(bytes.as_ptr().cast(), out, bytes.len()) };
    ffi::SQLITE_OK
}

/// Always the same, so that every run makes the same calls.
unsafe extern "C" fn randomness(_vfs: *mut sqlite3_vfs, count: c_int, out: *mut c_char) -> c_int {
    let bytes = unsafe { slice::from_raw_parts_mut(out.cast::<u8>(), count as usize) };
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = (index as u8).wrapping_mul(37).wrapping_add(11);
    }
    count
}

unsafe extern "C" fn sleep(_vfs: *mut sqlite3_vfs, microseconds: c_int) -> c_int {
    microseconds
}

unsafe extern "C" fn time(_vfs: *mut sqlite3_vfs, out: *mut f64) -> c_int {
    unsafe { *out = 2_461_000.5 };
    ffi::SQLITE_OK
}

fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the table is leaked, so it and its name live as long as the program.
        let registered = unsafe {
            let mut vfs: sqlite3_vfs = std::mem::zeroed();
            vfs.iVersion = 1;
            vfs.szOsFile = size_of::<Handle>() as c_int;
            vfs.mxPathname = 256;
            vfs.zName = NAME.as_ptr();
            vfs.xOpen = Some(open);
            vfs.xDelete = Some(delete);
            vfs.xAccess = Some(access);
            vfs.xFullPathname = Some(full_path);
            vfs.xRandomness = Some(randomness);
            vfs.xSleep = Some(sleep);
            vfs.xCurrentTime = Some(time);
            ffi::sqlite3_vfs_register(Box::leak(Box::new(vfs)), 0)
        };
        assert_eq!(registered, ffi::SQLITE_OK, "the VFS cannot be registered");
    });
}
