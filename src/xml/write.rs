//! An escaping writer for the XML that we send.

use crate::hidden::hide;

/// Writes one element with all below it. Names are literals of the program, values are escaped.
///
/// ```
/// use edge_saml::xml::Writer;
///
/// let mut writer = Writer::new();
/// writer.start("a").attribute("xmlns", "urn:example:a");
/// writer.start("b").attribute("x", "\"1\" & <2>").text("3 < 4").end();
/// assert_eq!(
///     writer.finish(),
///     r#"<a xmlns="urn:example:a"><b x="&quot;1&quot; &amp; &lt;2&gt;">3 &lt; 4</b></a>"#,
/// );
/// ```
#[derive(Clone, Default)]
pub struct Writer {
    out: String,
    open: Vec<&'static str>,
    in_tag: bool,
}

hide!(Writer);

impl Writer {
    /// A writer without output.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens an element inside the one that is open.
    pub fn start(&mut self, name: &'static str) -> &mut Self {
        self.close_tag();
        self.out.push('<');
        self.out.push_str(name);
        self.open.push(name);
        self.in_tag = true;
        self
    }

    /// Adds an attribute, or a namespace declaration, to the element just opened. Ignored once it has content.
    pub fn attribute(&mut self, name: &'static str, value: &str) -> &mut Self {
        if self.in_tag {
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            escape(&mut self.out, value);
            self.out.push('"');
        }
        self
    }

    /// Adds an attribute if there is a value for it.
    pub fn optional_attribute(&mut self, name: &'static str, value: Option<&str>) -> &mut Self {
        if let Some(value) = value {
            self.attribute(name, value);
        }
        self
    }

    /// Adds text to the open element.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.close_tag();
        escape(&mut self.out, text);
        self
    }

    /// Adds an element that holds only text.
    pub fn leaf(&mut self, name: &'static str, text: &str) -> &mut Self {
        self.start(name).text(text).end()
    }

    /// Closes the open element.
    pub fn end(&mut self) -> &mut Self {
        if let Some(name) = self.open.pop() {
            if self.in_tag {
                self.out.push_str("/>");
                self.in_tag = false;
            } else {
                self.out.push_str("</");
                self.out.push_str(name);
                self.out.push('>');
            }
        }
        self
    }

    /// Closes all that is open and gives the text.
    #[must_use]
    pub fn finish(mut self) -> String {
        while !self.open.is_empty() {
            self.end();
        }
        self.out
    }

    fn close_tag(&mut self) {
        if self.in_tag {
            self.out.push('>');
            self.in_tag = false;
        }
    }
}

/// Escapes for text and for attribute values alike, so that neither an end tag, a quote nor normalisation (XML 1.0,
/// sections 2.11 and 3.3.3) can change what is read. What XML cannot hold becomes U+FFFD.
fn escape(out: &mut String, value: &str) {
    for character in value.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#x9;"),
            '\n' => out.push_str("&#xA;"),
            '\r' => out.push_str("&#xD;"),
            '\u{0}'..' ' | '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            _ => out.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Writer;
    use crate::xml::{Document, Profile, Source};

    #[test]
    fn what_is_written_reads_back() {
        let value = "a&b<c>d\"e'f\tg\nh\ri ]]> \u{1F600}";
        let mut writer = Writer::new();
        writer
            .start("p:a")
            .attribute("xmlns:p", "urn:p")
            .attribute("x", value)
            .text(value);
        let text = writer.finish();
        let source = Source::check(text.as_bytes(), Profile::SamlMessage).unwrap();
        let document = Document::parse(&source).unwrap();
        assert_eq!(document.root().attribute("x"), Some(value));
        assert_eq!(document.root().text(), Ok(value));
    }

    #[test]
    fn characters_outside_xml_are_replaced() {
        let mut writer = Writer::new();
        writer.leaf("a", "\u{0}\u{1F}\u{FFFE}x");
        assert_eq!(writer.finish(), "<a>\u{FFFD}\u{FFFD}\u{FFFD}x</a>");
    }

    #[test]
    fn empty_elements_and_late_attributes() {
        let mut writer = Writer::new();
        writer
            .start("a")
            .optional_attribute("x", None)
            .optional_attribute("y", Some("1"))
            .text("")
            .attribute("z", "2");
        writer.start("b").end().end().end();
        assert_eq!(writer.finish(), r#"<a y="1"><b/></a>"#);
    }
}
