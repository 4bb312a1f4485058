//! Splits SQL.

/// The statements of a file, each without comments, and with one space between its words.
pub(super) fn statements(sql: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            // A quote in a text is written twice, which is here the end of one text and another.
            '\'' => 2 + rest[1..].find('\'').expect("each text should end"),
            '$' if rest.starts_with("$$") => {
                4 + rest[2..].find("$$").expect("each body should end")
            }
            _ => first.len_utf8(),
        };
        let (text, behind) = rest.split_at(taken);
        match first {
            ';' => parts.push(String::new()),
            '-' if text.len() > 1 => {}
            _ => parts.last_mut().unwrap().push_str(text),
        }
        rest = behind;
    }
    let words = |part: &String| part.split_whitespace().collect::<Vec<_>>().join(" ");
    parts.iter().map(words).filter(|statement| !statement.is_empty()).collect()
}

/// The actions of an ALTER TABLE: what is between the commas outside of parentheses.
pub(super) fn actions(text: &str) -> Vec<&str> {
    let mut depth = 0;
    let outside = move |c: char| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    };
    text.split(outside).map(str::trim).collect()
}
