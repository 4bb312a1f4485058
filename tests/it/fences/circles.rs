//! The imports between the files of one room form no circle, so that each file can be read with the
//! files below it alone. What a file uses of its own parents is left aside: a parent declares its
//! children, and they share its types.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::sources;

/// A module of the crate: `["store", "links"]`; empty for the crate itself.
type Module = Vec<String>;
/// A path in the code, such as `["super", "links", "Link"]`.
type UsePath = Vec<String>;

/// A name is imported from a module that imports it from another one, and so on.
const MAX_HOPS: usize = 4;

/// The module of a source file.
fn module(file: &str) -> Module {
    let path = file.strip_prefix("src/").unwrap().strip_suffix(".rs").unwrap();
    let mut module: Module = path.split('/').map(str::to_owned).collect();
    module.pop_if(|last| ["mod", "lib"].contains(&last.as_str()));
    module
}

/// Splits a list at the commas outside braces.
fn items(list: &str) -> Vec<&str> {
    let mut depth = 0;
    let at_comma = |c: char| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    };
    list.split(at_comma).collect()
}

/// The paths of a tree such as `a::{b, c::{D, E as F}}`.
fn flat(tree: &str) -> Vec<UsePath> {
    let Some((head, list)) = tree.split_once('{') else {
        let name = tree.split(" as ").next().unwrap();
        return vec![name.split("::").map(|part| part.trim().to_owned()).collect()];
    };
    let head: UsePath =
        head.split("::").map(|part| part.trim().to_owned()).filter(|it| !it.is_empty()).collect();
    let list = list.rsplit_once('}').unwrap().0;
    let items = items(list).into_iter().filter(|item| !item.trim().is_empty());
    items.flat_map(flat).map(|path| [head.clone(), path].concat()).collect()
}

/// The paths that `use` brings in.
fn imports(code: &str) -> Vec<UsePath> {
    let is_of_tree = |c: char| c.is_alphanumeric() || c.is_whitespace() || "_:{},*".contains(c);
    let trees = code.match_indices("use ").filter_map(|(at, found)| {
        let is_word = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let tree = code[at + found.len()..].split(';').next()?;
        (is_word && tree.chars().all(is_of_tree)).then_some(tree)
    });
    trees.flat_map(flat).collect()
}

/// The paths that begin with `crate::` or `super::`, in `use` or elsewhere.
fn inner_paths(code: &str) -> Vec<UsePath> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let elsewhere = code.split(|c: char| !is_part(c)).map(flat).map(|mut paths| paths.remove(0));
    let all = imports(code).into_iter().chain(elsewhere);
    all.filter(|path| path.len() > 1 && ["crate", "super"].contains(&path[0].as_str())).collect()
}

/// The modules of the crate, each with its code and the paths that it imports.
struct Crate(BTreeMap<Module, (String, Vec<UsePath>)>);

impl Crate {
    fn new(sources: &[(String, String)]) -> Self {
        // Unit tests, which are the last item of a file, may use anything.
        let code = |code: &str| code.split("#[cfg(test)]").next().unwrap().to_owned();
        let modules = sources.iter().map(|(file, text)| {
            let code = code(text);
            let imports = imports(&code);
            (module(file), (code, imports))
        });
        Self(modules.collect())
    }

    /// The module in which the item of a path is declared, seen from `base` and followed through at
    /// most so many imports; `None` for a path into another crate.
    fn declaring(&self, base: &[String], path: &[String], hops: usize) -> Option<Module> {
        let (mut module, mut path) = (base.to_vec(), path);
        match path[0].as_str() {
            "crate" => (module, path) = (Vec::new(), &path[1..]),
            "self" => path = &path[1..],
            "super" => {
                while let Some(rest) = path.strip_prefix(&["super".to_owned()]) {
                    module.pop();
                    path = rest;
                }
            }
            child => drop(self.0.get(&[base, &[child.to_owned()]].concat())?),
        }
        while let [child, rest @ ..] = path
            && let inner = [module.as_slice(), std::slice::from_ref(child)].concat()
            && self.0.contains_key(&inner)
        {
            (module, path) = (inner, rest);
        }
        // The module may have the name from another one.
        let imported = path.first().filter(|_| hops > 0).and_then(|name| {
            let imports = &self.0.get(&module)?.1;
            let import = imports.iter().find(|import| import.last() == Some(name))?;
            self.declaring(&module, import, hops - 1)
        });
        Some(imported.unwrap_or(module))
    }

    /// For each module of a room, the others that it uses, except those above it.
    fn uses(&self, room: &str) -> BTreeMap<&Module, BTreeSet<Module>> {
        let inside = self.0.iter().filter(|(module, _)| module.first().is_some_and(|m| m == room));
        let used = inside.map(|(module, (code, _))| {
            let paths = inner_paths(code).into_iter();
            let used = paths.filter_map(|path| self.declaring(module, &path, MAX_HOPS));
            (module, used.filter(|used| !module.starts_with(used)).collect())
        });
        used.collect()
    }

    /// The modules of a room that use each other in circles, each with those that it uses there.
    fn circles(&self, room: &str) -> Vec<String> {
        let mut uses = self.uses(room);
        loop {
            let left: BTreeSet<Module> = uses.keys().map(|module| (*module).clone()).collect();
            let before = uses.len();
            uses.values_mut().for_each(|used| used.retain(|used| left.contains(used)));
            let used: BTreeSet<Module> = uses.values().flatten().cloned().collect();
            // A module that uses none of the rest, or is used by none of it, is in no circle.
            uses.retain(|module, of| !of.is_empty() && used.contains(*module));
            if uses.len() == before {
                break;
            }
        }
        let name = |module: &Module| module.join("/");
        let lines = uses.iter().map(|(module, used)| {
            format!("{} -> {}", name(module), used.iter().map(name).collect::<Vec<_>>().join(", "))
        });
        lines.collect()
    }
}

/// A crate of these files.
fn made_of(files: &[(&str, &str)]) -> Crate {
    let files: Vec<_> =
        files.iter().map(|(file, code)| (format!("src/{file}"), (*code).to_owned())).collect();
    Crate::new(&files)
}

#[test]
fn a_circle_is_found_however_the_files_name_each_other() {
    let parent = "mod a; mod b; mod c; pub use a::{A, Other as B}; pub use self::c::C;";
    for (a, b) in [
        ("use super::b::{X, Y};", "use super::a;"),
        ("fn f() { crate::room::b::g() }", "use crate::{other::Z, room::{a::A}};"),
        ("use super::{b::{self, X}};", "use super::{C, A};"),
    ] {
        let found = made_of(&[
            ("room/mod.rs", parent),
            ("room/a.rs", a),
            ("room/b.rs", b),
            ("room/c.rs", "struct C;"),
        ]);
        assert_eq!(found.circles("room"), ["room/a -> room/b", "room/b -> room/a"], "{a} {b}");
    }
}

#[test]
fn what_leads_to_no_circle_is_left_aside() {
    let files = made_of(&[
        ("room/mod.rs", "mod a; mod b; struct Shared; pub use a::A;"),
        ("room/a.rs", "use super::{Shared, b::B}; mod inner; use inner::I;"),
        ("room/a/inner.rs", "use super::A; use super::super::b::B;"),
        ("room/b.rs", "use super::Shared; use std::a; #[cfg(test)] mod tests { use super::a; }"),
    ]);
    assert_eq!(files.circles("room"), [""; 0]);
}

#[test]
fn the_files_of_a_room_import_each_other_in_one_direction() {
    let files = Crate::new(&sources(Path::new("src")));
    for room in ROOMS {
        assert!(!files.uses(room).is_empty(), "{room} has files");
        assert_eq!(files.circles(room), [""; 0], "{room}");
    }
}

/// The rooms without circles.
const ROOMS: [&str; 9] =
    ["auth0", "calls", "cli", "config", "feed", "oauth", "server", "store", "use_cases"];
