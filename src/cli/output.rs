//! Where data goes.
//!
//! Styles are taken away unless a person at a terminal reads them. A reader that went away (`| head`) is not an
//! error: what is left is dropped in silence, and the exit status still says how the command ended.

use std::io::{self, ErrorKind, Write};

use anstream::AutoStream;
use anstream::stream::RawStream;
use clap::ColorChoice;

pub(super) struct Output<W: RawStream> {
    stream: AutoStream<W>,
    reader_left: bool,
}

/// Standard output, coloured as asked.
pub(super) fn stdout(choice: ColorChoice) -> Output<io::Stdout> {
    let choice = match choice {
        ColorChoice::Auto => AutoStream::choice(&io::stdout()),
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    };
    Output { stream: AutoStream::new(io::stdout(), choice), reader_left: false }
}

impl<W: RawStream> Output<W> {
    fn unless_left<T>(&mut self, result: io::Result<T>, instead: T) -> io::Result<T> {
        match result {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.reader_left = true;
                Ok(instead)
            }
            other => other,
        }
    }
}

impl<W: RawStream> Write for Output<W>
where
    AutoStream<W>: Write,
{
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.reader_left {
            return Ok(bytes.len());
        }
        let result = self.stream.write(bytes);
        self.unless_left(result, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.reader_left {
            return Ok(());
        }
        let result = self.stream.flush();
        self.unless_left(result, ())
    }
}
