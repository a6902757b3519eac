//! A small binary form for what is sealed: a version byte, LEB128 integers, uids, and texts with their length.

use uuid::Uuid;

/// Bytes that are not what they should be. What exactly is nobody's business: they were sealed, so this is an older or newer release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// A lease id with two draws and a long model name fits without growing.
const BYTES_EXPECTED: usize = 256;

/// Appends values.
#[derive(Debug)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// Begins with the format.
    #[must_use]
    pub fn new(format: u8) -> Self {
        let mut bytes = Vec::with_capacity(BYTES_EXPECTED);
        bytes.push(format);
        Self(bytes)
    }

    /// An integer, 1 to 10 bytes.
    pub fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// A uid.
    pub fn uid(&mut self, uid: Uuid) {
        self.0.extend_from_slice(uid.as_bytes());
    }

    /// Bytes, with their length.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// A text.
    pub fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// All of it.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// Reads values in the order they were written.
#[derive(Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Checks the format.
    ///
    /// # Errors
    /// When it is another.
    pub fn new(bytes: &'a [u8], format: u8) -> Result<Self, Malformed> {
        match bytes.split_first() {
            Some((first, rest)) if *first == format => Ok(Self(rest)),
            _ => Err(Malformed),
        }
    }

    /// An integer.
    ///
    /// # Errors
    /// When it is cut short or larger than 64 bits.
    pub fn number(&mut self) -> Result<u64, Malformed> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            let part = u64::from(byte & 0x7f);
            if part << shift >> shift != part {
                return Err(Malformed);
            }
            value |= part << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Malformed)
    }

    /// An integer of another type.
    ///
    /// # Errors
    /// When it is cut short or does not fit.
    pub fn number_as<T: TryFrom<u64>>(&mut self) -> Result<T, Malformed> {
        T::try_from(self.number()?).map_err(|_| Malformed)
    }

    /// A uid.
    ///
    /// # Errors
    /// When it is cut short.
    pub fn uid(&mut self) -> Result<Uuid, Malformed> {
        Uuid::from_slice(self.take(16)?).map_err(|_| Malformed)
    }

    /// A text.
    ///
    /// # Errors
    /// When it is cut short or no UTF-8.
    pub fn text(&mut self) -> Result<String, Malformed> {
        String::from_utf8(self.bytes()?.to_vec()).map_err(|_| Malformed)
    }

    /// Bytes, with their length.
    ///
    /// # Errors
    /// When they are cut short.
    pub fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.number_as()?;
        self.take(length)
    }

    /// Nothing is left.
    ///
    /// # Errors
    /// When something is.
    pub const fn end(&self) -> Result<(), Malformed> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Malformed)
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back_as_they_were(value in any::<u64>()) {
            let mut writer = Writer::new(1);
            writer.number(value);
            let bytes = writer.into_bytes();
            let mut reader = Reader::new(&bytes, 1).unwrap();
            prop_assert_eq!(reader.number(), Ok(value));
            prop_assert_eq!(reader.end(), Ok(()));
        }

        #[test]
        fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(mut reader) = Reader::new(&bytes, 1) {
                let _ = reader.number();
                let _ = reader.text();
                let _ = reader.uid();
            }
        }
    }
}
