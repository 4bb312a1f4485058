//! The account that runs Postgres: Postgres refuses to run as root, so root runs it as another
//! account.

use std::{
    fs::{self, DirBuilder, Metadata},
    io,
    os::unix::{
        fs::{DirBuilderExt, MetadataExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::Command,
};

/// Names to look up in /etc/passwd when the caller is root, best first.
const NAMES: [&str; 2] = ["postgres", "nobody"];

/// The account that owns the cluster and runs Postgres.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    /// The user id.
    pub uid: u32,
    gid: u32,
    lent_by_root: bool,
}

impl Account {
    /// The caller itself; for root, the first account of `NAMES` that exists.
    ///
    /// # Errors
    /// The caller is root and /etc/passwd is unreadable or has neither account.
    pub(super) fn of_server() -> io::Result<Account> {
        let uid = rustix::process::geteuid();
        if !uid.is_root() {
            let gid = rustix::process::getegid();
            return Ok(Account { uid: uid.as_raw(), gid: gid.as_raw(), lent_by_root: false });
        }
        let passwd = fs::read_to_string("/etc/passwd")?;
        lendable(&passwd).ok_or_else(|| {
            io::Error::other("/etc/passwd has neither an account postgres nor nobody")
        })
    }

    /// The owner of `folder`, if root runs Postgres as another account and the folder exists. So a
    /// cluster stays with the account that made it, even if a better one, such as `postgres`, is
    /// installed later.
    ///
    /// # Errors
    /// The folder exists and its metadata cannot be read.
    pub(super) fn or_owner_of(self, folder: &Path) -> io::Result<Account> {
        match fs::symlink_metadata(folder) {
            Ok(found) if self.lent_by_root && found.uid() != 0 => {
                Ok(Account { uid: found.uid(), gid: found.gid(), ..self })
            }
            Ok(_) => Ok(self),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(self),
            Err(e) => Err(e),
        }
    }

    /// Whether the caller is root, so that Postgres runs as another account.
    #[must_use]
    pub(super) fn is_lent_by_root(&self) -> bool {
        self.lent_by_root
    }

    /// Whether the account may pass through the folder that `folder` describes.
    #[must_use]
    pub(super) fn may_enter(&self, folder: &Metadata) -> bool {
        let execute = if folder.uid() == self.uid {
            0o100
        } else if folder.gid() == self.gid {
            0o010
        } else {
            0o001
        };
        folder.mode() & execute != 0
    }

    /// Whether the account may pass through `path` and each folder above it. `path` must not
    /// contain links.
    #[must_use]
    pub(super) fn may_reach(&self, path: &Path) -> bool {
        path.ancestors()
            .all(|folder| fs::metadata(folder).is_ok_and(|found| self.may_enter(&found)))
    }

    /// Makes `path` a folder that only the account can open, or checks that it is one already.
    ///
    /// # Errors
    /// It cannot be made; or it exists and is a link, belongs to another account, or is open to
    /// others. In a shared temporary folder, any account may have created it.
    pub(super) fn own_dir(&self, path: &Path) -> io::Result<()> {
        match DirBuilder::new().mode(0o700).create(path) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
            _ => {}
        }
        let found = fs::symlink_metadata(path)?;
        // A folder of root is one that an earlier start made, and was stopped before it changed the
        // owner.
        let ours = found.uid() == self.uid || (self.lent_by_root && found.uid() == 0);
        if !found.is_dir() || !ours || found.mode() & 0o077 != 0 {
            return Err(io::Error::other(
                "it is there already and is not a private folder of the account that runs the server",
            ));
        }
        if self.lent_by_root {
            chown(path, Some(self.uid), Some(self.gid))?;
        }
        Ok(())
    }

    /// A command that runs as the account, ends when the calling *thread* ends, and does not get
    /// the terminal's Ctrl-C.
    #[must_use]
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if self.lent_by_root {
            // This also drops root's supplementary groups.
            command.uid(self.uid).gid(self.gid);
        }
        // The caller's folder may be closed to the account; its PG* variables and locale must not
        // affect the server.
        command
            .current_dir("/")
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("LC_ALL", "C");
        // A process group of its own: on Ctrl-C, the caller stops Postgres in order, after the work
        // that needs it.
        command.process_group(0);
        end_with_parent(&mut command);
        command
    }
}

/// Asks the kernel to interrupt the child when the thread that starts it ends, even by SIGKILL.
#[cfg(target_os = "linux")]
fn end_with_parent(command: &mut Command) {
    use rustix::process::{Signal, getpid, getppid, kill_process, set_parent_process_death_signal};

    let us = getpid();
    let ask = move || {
        set_parent_process_death_signal(Some(Signal::INT))?;
        if getppid() != Some(us) {
            // The parent ended before the line above, so its signal will never come.
            kill_process(getpid(), Signal::KILL)?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec only async-signal-safe calls are allowed. `ask` makes four
    // plain system calls, and its errors are bare numbers: it takes no lock and no memory. std runs
    // it after the change of user, which would clear the death signal.
    #[expect(unsafe_code, reason = "std has no other way to set a death signal")]
    unsafe {
        command.pre_exec(ask);
    }
}

/// Without a death signal, Postgres outlives a caller that was killed; the next start notices it.
#[cfg(not(target_os = "linux"))]
fn end_with_parent(_: &mut Command) {}

/// The best account as which root may run Postgres.
fn lendable(passwd: &str) -> Option<Account> {
    NAMES.iter().find_map(|name| {
        passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            if fields.next() != Some(name) {
                return None;
            }
            let uid = fields.nth(1)?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            Some(Account { uid, gid, lent_by_root: true })
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const ROOT: &str = "root:x:0:0:root:/root:/bin/bash\n";
    const NOBODY: &str = "nobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin\n";

    #[test]
    fn root_lends_postgres_before_nobody() {
        let passwd = format!(
            "{ROOT}{NOBODY}postgres:x:104:112:PostgreSQL,,,:/var/lib/postgresql:/bin/bash\n"
        );
        assert_eq!(lendable(&passwd), Some(Account { uid: 104, gid: 112, lent_by_root: true }));
        let passwd = format!("{ROOT}{NOBODY}postgres-old:x:1:1::/:/bin/sh\n");
        assert_eq!(lendable(&passwd), Some(Account { uid: 65534, gid: 65533, lent_by_root: true }));
        assert_eq!(lendable(ROOT), None);
    }

    #[test]
    fn access_is_by_the_bits_of_the_owner_the_group_or_the_others() {
        let path =
            std::env::temp_dir().join(format!("identity-link-account-{}", std::process::id()));
        fs::create_dir(&path).unwrap();
        let owner = fs::metadata(&path).unwrap();
        let (uid, gid) = (owner.uid(), owner.gid());
        for (mode, [as_owner, as_group, as_other]) in [
            (0o700, [true, false, false]),
            (0o610, [false, true, false]),
            (0o601, [false, false, true]),
        ] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let found = fs::metadata(&path).unwrap();
            let enters = |uid, gid| Account { uid, gid, lent_by_root: true }.may_enter(&found);
            assert_eq!(enters(uid, gid), as_owner);
            assert_eq!(enters(uid + 1, gid), as_group);
            assert_eq!(enters(uid + 1, gid + 1), as_other);
        }
        fs::remove_dir(&path).unwrap();
    }

    #[test]
    fn a_symlink_or_an_open_folder_is_refused() {
        let account = Account {
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
            lent_by_root: false,
        };
        let folder = std::env::temp_dir().join(format!("identity-link-own-{}", std::process::id()));
        let link = folder.with_extension("link");
        account.own_dir(&folder).unwrap();
        account.own_dir(&folder).unwrap();
        std::os::unix::fs::symlink(&folder, &link).unwrap();
        account.own_dir(&link).unwrap_err();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        account.own_dir(&folder).unwrap_err();
        fs::remove_file(&link).unwrap();
        fs::remove_dir(&folder).unwrap();
    }
}
