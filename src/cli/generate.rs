//! `reconciled completions` and `reconciled man`: made from the same tree that parses.

use std::io::Write;

use clap::{Args, Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man as Page;

use super::context::Context;
use super::error::CliError;
use super::{Cli, Status};

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reconciled completions bash > /etc/bash_completion.d/reconciled
  reconciled completions zsh  > /usr/local/share/zsh/site-functions/_reconciled
  reconciled completions fish > ~/.config/fish/completions/reconciled.fish")]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  reconciled man | man -l -")]
pub struct Man {}

impl Completions {
    pub(super) fn run(self, context: &Context) -> Result<Status, CliError> {
        // The generator panics when its output fails, so it writes into memory.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "reconciled", &mut script);
        let mut out = context.stdout();
        out.write_all(&script)?;
        out.flush()?;
        Ok(Status::AGREES)
    }
}

impl Man {
    pub(super) fn run(self, context: &Context) -> Result<Status, CliError> {
        let Self {} = self;
        let mut out = context.stdout();
        let mut tree = Cli::command().disable_help_subcommand(true);
        tree.build();
        pages(&mut out, &tree)?;
        out.flush()?;
        Ok(Status::AGREES)
    }
}

/// One page: the program's own, then a section per command with its parts as subsections.
fn pages<W: Write>(out: &mut W, root: &Command) -> std::io::Result<()> {
    let mut own = Vec::new();
    Page::new(root.clone()).render(&mut own)?;
    out.write_all(String::from_utf8_lossy(&own).replace(".SH EXTRA", ".SH NOTES").as_bytes())?;
    sections(out, root)
}

fn sections<W: Write>(out: &mut W, parent: &Command) -> std::io::Result<()> {
    for command in parent.get_subcommands().filter(|it| it.get_name() != "help") {
        let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
        let page = Page::new(command.clone());
        let mut parts = Vec::new();
        page.render_description_section(&mut parts)?;
        page.render_synopsis_section(&mut parts)?;
        page.render_options_section(&mut parts)?;
        page.render_extra_section(&mut parts)?;
        let parts = String::from_utf8_lossy(&parts).replace(".SH EXTRA", ".SH NOTES").replace(".SH ", ".SS ");
        write!(out, ".SH \"{}\"\n{parts}", name.to_uppercase())?;
        sections(out, command)?;
    }
    Ok(())
}
