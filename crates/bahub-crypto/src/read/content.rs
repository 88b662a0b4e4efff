//! The packets inside of the encryption: perhaps compression, perhaps signatures, and one literal data packet.

use std::io::{self, BufRead, BufReader, Read};

use bzip2::bufread::BzDecoder;
use flate2::bufread::{DeflateDecoder, ZlibDecoder};

use super::clear::Clear;
use crate::error::CryptoError;
use crate::packet::body::{Body, drain, read_buffered};
use crate::packet::header::{self, Length, octet, octets};
use crate::packet::{COMPRESSED, LITERAL, MARKER, ONE_PASS_SIGNATURE, PADDING, SIGNATURE, envelope};

type Inflated<D> = Box<BufReader<D>>;

/// Where the literal data packet stands: directly inside of the encryption, or in one compressed data packet.
pub(super) enum Layer<R: BufRead> {
    Plain(Clear<R>),
    Zip(Inflated<DeflateDecoder<Body<Clear<R>>>>),
    Zlib(Inflated<ZlibDecoder<Body<Clear<R>>>>),
    Bzip2(Inflated<BzDecoder<Body<Clear<R>>>>),
}

/// Reads up to the data and returns it as a stream.
pub(super) fn open<R: BufRead>(clear: Clear<R>) -> io::Result<Body<Layer<R>>> {
    let mut layer = Layer::Plain(clear);
    loop {
        let tag = header::tag(&mut layer)?.ok_or(CryptoError::Malformed("there is no data in it"))?;
        match tag.number() {
            LITERAL => {
                let length = tag.length(&mut layer)?;
                let mut body = Body::new(layer, length);
                literal_header(&mut body)?;
                return Ok(body);
            }
            COMPRESSED => layer = layer.decompressed(tag)?,
            MARKER | PADDING | SIGNATURE | ONE_PASS_SIGNATURE => envelope::skip(tag, &mut layer)?,
            _ => return Err(CryptoError::Malformed("it contains a packet other than data").into()),
        }
    }
}

/// Reads what follows the data: signatures perhaps, and the end of everything, which verifies the message.
pub(super) fn close<R: BufRead>(mut literal: Body<Layer<R>>) -> io::Result<()> {
    literal.drain()?;
    let mut layer = literal.into_source();
    rest(&mut layer)?;
    let mut body = match layer {
        Layer::Plain(_) => return Ok(()),
        Layer::Zip(decoder) => decoder.into_inner().into_inner(),
        Layer::Zlib(decoder) => decoder.into_inner().into_inner(),
        Layer::Bzip2(decoder) => decoder.into_inner().into_inner(),
    };
    body.drain()?;
    rest(&mut body.into_source())
}

fn rest(layer: &mut impl BufRead) -> io::Result<()> {
    while let Some(tag) = header::tag(layer)? {
        match tag.number() {
            MARKER | PADDING | SIGNATURE => envelope::skip(tag, layer)?,
            _ => return Err(CryptoError::Malformed("another packet follows the data").into()),
        }
    }
    Ok(())
}

/// What a message uses is known only once it is verified: until then it may be damaged, or of another session key, and
/// any octet may stand for anything. So it is read to its end first, and what is wrong there is the error.
fn unsupported<R: BufRead>(mut clear: Clear<R>, what: &str) -> io::Error {
    match drain(&mut clear) {
        Ok(()) => CryptoError::Unsupported(what.to_owned()).into(),
        Err(error) => error,
    }
}

/// Format, name and date: of no interest here.
fn literal_header(body: &mut impl BufRead) -> io::Result<()> {
    octet(body)?;
    for _ in 0..octet(body)? {
        octet(body)?;
    }
    octets::<4>(body)?;
    Ok(())
}

impl<R: BufRead> Layer<R> {
    fn decompressed(self, tag: header::Tag) -> io::Result<Self> {
        let mut clear = match self {
            Self::Plain(clear) => clear,
            nested => return Err(unsupported(nested.into_clear(), "compressed data inside of compressed data")),
        };
        let length: Length = tag.length(&mut clear)?;
        let mut body = Body::new(clear, length);
        match octet(&mut body)? {
            1 => Ok(Self::Zip(Box::new(BufReader::new(DeflateDecoder::new(body))))),
            2 => Ok(Self::Zlib(Box::new(BufReader::new(ZlibDecoder::new(body))))),
            3 => Ok(Self::Bzip2(Box::new(BufReader::new(BzDecoder::new(body))))),
            other => Err(unsupported(body.into_source(), &format!("the compression number {other}"))),
        }
    }

    fn into_clear(self) -> Clear<R> {
        match self {
            Self::Plain(clear) => clear,
            Self::Zip(decoder) => decoder.into_inner().into_inner().into_source(),
            Self::Zlib(decoder) => decoder.into_inner().into_inner().into_source(),
            Self::Bzip2(decoder) => decoder.into_inner().into_inner().into_source(),
        }
    }
}

impl<R: BufRead> BufRead for Layer<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self {
            Self::Plain(clear) => clear.fill_buf(),
            Self::Zip(decoder) => decoder.fill_buf(),
            Self::Zlib(decoder) => decoder.fill_buf(),
            Self::Bzip2(decoder) => decoder.fill_buf(),
        }
    }

    fn consume(&mut self, amount: usize) {
        match self {
            Self::Plain(clear) => clear.consume(amount),
            Self::Zip(decoder) => decoder.consume(amount),
            Self::Zlib(decoder) => decoder.consume(amount),
            Self::Bzip2(decoder) => decoder.consume(amount),
        }
    }
}

impl<R: BufRead> Read for Layer<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, into)
    }
}
