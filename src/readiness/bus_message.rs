//! Messages of the bus, as far as one probe needs them (D-Bus Specification, "Message Format").

/// The name of the bus itself, and its object.
pub(super) const BUS: &str = "org.freedesktop.DBus";
const OBJECT: &str = "/org/freedesktop/DBus";

/// The longest message. Those that the bus sends to this client have a few hundred bytes.
const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// The fixed part of a message before its header fields.
const FIXED_BYTES: usize = 16;

/// A message from the bus.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BusMessage {
    pub(super) sender: String,
    pub(super) member: String,
    /// The serial number of the request that it answers.
    pub(super) reply_to: Option<u32>,
    pub(super) body: Body,
}

/// The contents that are understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body {
    Strings(Vec<String>),
    Number(u32),
    /// Anything else, and every error.
    Other,
}

/// A call of a method of the bus.
pub(super) fn call(serial: u32, member: &str, argument: Option<&str>) -> Vec<u8> {
    let mut body = Vec::new();
    if let Some(argument) = argument {
        string(&mut body, argument);
    }
    let mut fields = Vec::new();
    field(&mut fields, 1, b'o', OBJECT);
    field(&mut fields, 2, b's', BUS);
    field(&mut fields, 3, b's', member);
    field(&mut fields, 6, b's', BUS);
    if argument.is_some() {
        align(&mut fields, 8);
        fields.extend(b"\x08\x01g\0\x01s\0");
    }
    // Little endian, a method call, no flags, version 1.
    let mut message = b"l\x01\0\x01".to_vec();
    number(&mut message, body.len());
    message.extend(serial.to_le_bytes());
    number(&mut message, fields.len());
    message.extend(fields);
    align(&mut message, 8);
    message.extend(body);
    message
}

fn field(text: &mut Vec<u8>, code: u8, kind: u8, value: &str) {
    align(text, 8);
    text.extend([code, 1, kind, 0]);
    string(text, value);
}

fn string(text: &mut Vec<u8>, value: &str) {
    number(text, value.len());
    text.extend(value.as_bytes());
    text.push(0);
}

fn number(text: &mut Vec<u8>, value: usize) {
    text.extend(u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes());
}

fn align(text: &mut Vec<u8>, to: usize) {
    text.resize(text.len().next_multiple_of(to), 0);
}

impl BusMessage {
    /// The first message of the input and its length; inside, `None` if it is not complete. Outside, `None` if it is not a
    /// message.
    #[expect(clippy::option_option, reason = "invalid and incomplete are different")]
    pub(super) fn read(input: &[u8]) -> Option<Option<(Self, usize)>> {
        let Some(fixed) = input.get(..FIXED_BYTES) else { return Some(None) };
        let little = match fixed[0] {
            b'l' => true,
            b'B' => false,
            _ => return None,
        };
        let word = |at: usize| -> Option<usize> {
            usize::try_from(Reader { bytes: fixed, at, little }.number()?).ok()
        };
        let (body, fields) = (word(4)?, word(12)?);
        if body.max(fields) > MAX_MESSAGE_BYTES {
            return None;
        }
        let begin = (FIXED_BYTES + fields).next_multiple_of(8);
        let Some(whole) = input.get(..begin + body) else { return Some(None) };
        let mut message =
            Self { sender: String::new(), member: String::new(), reply_to: None, body: Body::Other };
        let mut signature = String::new();
        let mut reader = Reader { bytes: &whole[..FIXED_BYTES + fields], at: FIXED_BYTES, little };
        while reader.at < reader.bytes.len() {
            reader.align(8);
            let code = reader.byte()?;
            let kind = reader.signature()?;
            match (code, kind.as_str()) {
                (5, "u") => message.reply_to = Some(reader.number()?),
                (8, "g") => signature = reader.signature()?,
                (3, "s") => message.member = reader.string()?,
                (7, "s") => message.sender = reader.string()?,
                (_, "s" | "o") => drop(reader.string()?),
                (_, "u") => drop(reader.number()?),
                (_, "g") => drop(reader.signature()?),
                _ => return None,
            }
        }
        let mut reader = Reader { bytes: whole, at: begin, little };
        let is_error = fixed[1] == 3;
        message.body = match signature.as_str() {
            _ if is_error => Body::Other,
            "u" => Body::Number(reader.number()?),
            "s" | "sss" => Body::Strings(signature.chars().map(|_| reader.string()).collect::<Option<_>>()?),
            _ => Body::Other,
        };
        Some(Some((message, whole.len())))
    }
}

/// Reads values at their alignment, counted from the begin of the message.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    little: bool,
}

impl Reader<'_> {
    fn align(&mut self, to: usize) {
        self.at = self.at.next_multiple_of(to);
    }

    fn take(&mut self, length: usize) -> Option<&[u8]> {
        let part = self.bytes.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(part)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn number(&mut self) -> Option<u32> {
        self.align(4);
        let little = self.little;
        let bytes = self.take(4)?.try_into().ok()?;
        Some(if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    fn string(&mut self) -> Option<String> {
        let length = usize::try_from(self.number()?).ok()?;
        self.text(length)
    }

    fn signature(&mut self) -> Option<String> {
        let length = usize::from(self.byte()?);
        self.text(length)
    }

    /// A text with the NUL behind it.
    fn text(&mut self, length: usize) -> Option<String> {
        let text = String::from_utf8(self.take(length)?.to_vec()).ok()?;
        (self.byte()? == 0).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reply as a bus sends it: `body` has the signature `kind`.
    fn reply(kind: &str, body: &[u8]) -> Vec<u8> {
        let mut fields = b"\x05\x01u\0\x03\0\0\0".to_vec();
        field(&mut fields, 7, b's', BUS);
        align(&mut fields, 8);
        fields.extend([8, 1, b'g', 0, u8::try_from(kind.len()).unwrap()]);
        fields.extend(kind.as_bytes());
        fields.push(0);
        let mut message = b"l\x02\0\x01".to_vec();
        number(&mut message, body.len());
        message.extend(9_u32.to_le_bytes());
        number(&mut message, fields.len());
        message.extend(fields);
        align(&mut message, 8);
        message.extend(body);
        message
    }

    #[test]
    fn reply_is_read_when_it_is_complete() {
        let text = reply("u", &4711_u32.to_le_bytes());
        for length in 0..text.len() {
            assert_eq!(BusMessage::read(&text[..length]), Some(None), "{length}");
        }
        let (message, length) = BusMessage::read(&[&text[..], b"rest"].concat()).unwrap().unwrap();
        let expected = BusMessage {
            sender: BUS.to_owned(),
            member: String::new(),
            reply_to: Some(3),
            body: Body::Number(4711),
        };
        assert_eq!((message, length), (expected, text.len()));
    }

    #[test]
    fn own_call_has_the_form_of_a_message() {
        let text = call(3, "GetNameOwner", Some("org.example.X"));
        let (message, length) = BusMessage::read(&text).unwrap().unwrap();
        assert_eq!((message.member.as_str(), length), ("GetNameOwner", text.len()));
        assert_eq!(message.body, Body::Strings(vec!["org.example.X".to_owned()]));
    }

    #[test]
    fn changed_message_never_panics() {
        let mut seed = 7_u64;
        for text in
            [reply("u", &1_u32.to_le_bytes()), reply("sss", b"\x01\0\0\0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")]
        {
            for _ in 0..20_000 {
                let mut changed = text.clone();
                for _ in 0..3 {
                    seed =
                        seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    let at = usize::try_from(seed >> 33).unwrap() % changed.len();
                    changed[at] = seed.to_le_bytes()[2];
                }
                let _ = BusMessage::read(&changed);
            }
        }
        assert_eq!(BusMessage::read(&[b"l\x02\0\x01".as_slice(), &[0xff; 12]].concat()), None);
    }
}
