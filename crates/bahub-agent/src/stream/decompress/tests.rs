use std::io::Write;

use bahub_core::compression::Compression;
use flate2::bufread::MultiGzDecoder;
use proptest::prelude::*;

use super::super::Compressor;
use super::super::shared::Shared;
use super::*;

fn compressed(algorithm: Algorithm, parts: &[(Option<Fact>, &[u8])]) -> Vec<u8> {
    let sink = Shared::default();
    let mut compressor = Compressor::new(Compression::new(algorithm), sink.clone());
    for (fact, bytes) in parts {
        if let Some(fact) = fact {
            compressor.fact(fact).unwrap();
        }
        compressor.write_all(bytes).unwrap();
    }
    compressor.finish().unwrap();
    sink.0.lock().unwrap().clone()
}

/// Hands out one to seven bytes a read.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = self.1 % 7 + 1;
        let count = buffer.len().min(self.1).min(self.0.len());
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

fn algorithms() -> impl Strategy<Value = Algorithm> {
    prop_oneof![Just(Algorithm::Zstd), Just(Algorithm::Gzip), Just(Algorithm::None)]
}

#[test]
fn content_of_the_form_as_is_is_never_changed_whatever_it_looks_like() {
    for data in [Algorithm::Gzip, Algorithm::Zstd, Algorithm::None].map(|of| compressed(of, &[(None, b"abc")])) {
        let sink = Shared::default();
        let mut compressor = Compressor::of(Form::AsIs, Compression::default(), sink.clone());
        compressor.fact(&Fact::Segment { name: "none".into() }).unwrap();
        compressor.write_all(&data).unwrap();
        compressor.finish().unwrap();
        assert_eq!(*sink.0.lock().unwrap(), data);
        let mut back = Vec::new();
        Decompressor::of(Form::AsIs, data.as_slice()).read_to_end(&mut back).unwrap();
        assert_eq!(back, data);
        assert!(Decompressor::of(Form::AsIs, data.as_slice()).prove().unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_stream_comes_back(algorithm in algorithms(), data in proptest::collection::vec(any::<u8>(), 0..5000), repeat in 1_usize..40) {
        let data = data.repeat(repeat);
        let stream = compressed(algorithm, &[(None, &data)]);
        let mut back = Vec::new();
        Decompressor::new(Trickle(&stream, 0)).read_to_end(&mut back).unwrap();
        prop_assert!(back == data);
    }

    #[test]
    fn data_that_looks_compressed_comes_back_as_it_was(algorithm in algorithms(), gzip in any::<bool>(), tail in proptest::collection::vec(any::<u8>(), 0..100), length in prop_oneof![0_usize..6, Just(200)]) {
        let mut data = if gzip { GZIP.to_vec() } else { ZSTD.to_vec() };
        data.extend(tail);
        data.truncate(length);
        let mut back = Vec::new();
        Decompressor::new(compressed(algorithm, &[(None, &data)]).as_slice()).read_to_end(&mut back).unwrap();
        prop_assert!(back == data);
    }
}

#[test]
fn facts_are_found_and_other_readers_ignore_them() {
    // One that needs several members of gzip, and one of nothing.
    let facts = ["a".repeat(200_000), "b".into(), "c".into()].map(|name| Fact::Segment { name });
    let parts: [(_, &[u8]); 3] =
        [(Some(facts[0].clone()), b"one"), (Some(facts[1].clone()), b""), (Some(facts[2].clone()), b"two")];
    for algorithm in [Algorithm::Zstd, Algorithm::Gzip] {
        let stream = compressed(algorithm, &parts);
        let mut reader = Decompressor::new(Trickle(&stream, 0));
        let mut back = Vec::new();
        reader.read_to_end(&mut back).unwrap();
        assert_eq!((back.as_slice(), reader.content().facts.as_slice()), (&b"onetwo"[..], &facts[..]));
        let mut others = Vec::new();
        match algorithm {
            Algorithm::Gzip => MultiGzDecoder::new(stream.as_slice()).read_to_end(&mut others).unwrap(),
            _ => Decoder::new(stream.as_slice()).unwrap().read_to_end(&mut others).unwrap(),
        };
        assert_eq!(others, b"onetwo");
        // Segment by segment.
        let (mut reader, mut segments) = (Decompressor::new(stream.as_slice()), Vec::new());
        let mut buffer = [0; 2];
        assert_eq!(reader.read_segment(&mut buffer).unwrap(), 0);
        while let Some(name) = reader.next_segment() {
            let (first, mut content) = (name.chars().next().unwrap(), Vec::new());
            loop {
                match reader.read_segment(&mut buffer).unwrap() {
                    0 => break,
                    count => content.extend_from_slice(&buffer[..count]),
                }
            }
            segments.push((first, content));
        }
        assert_eq!(segments, [('a', b"one".to_vec()), ('b', Vec::new()), ('c', b"two".to_vec())]);
    }
}

#[test]
fn a_proof_reads_all_and_looks_into_what_is_not_our_own() {
    let head = Fact::Head {
        adapter: "a".into(),
        version: "1".into(),
        tools: Default::default(),
        record: Default::default(),
        instance: None,
        seekable: false,
    };
    let data = vec![7; 300_000];
    let ours = compressed(Algorithm::Zstd, &[(Some(head), &data), (Some(Fact::Segment { name: "b".into() }), &data)]);
    for cut in [ours.len() - 3, ours.len()] {
        let mut rest = &ours[..cut];
        Decompressor::new(&mut rest).prove().unwrap();
        assert!(rest.is_empty(), "the message is what proves it, and is read to its end");
    }
    for algorithm in [Algorithm::Zstd, Algorithm::Gzip] {
        let foreign = compressed(algorithm, &[(None, &data)]);
        Decompressor::new(foreign.as_slice()).prove().unwrap();
        Decompressor::new(&foreign[..foreign.len() / 2]).prove().unwrap_err();
    }
    Decompressor::new(&data[..]).prove().unwrap();
    Decompressor::new(&data[..0]).prove().unwrap();
}

#[test]
fn facts_of_any_number_take_a_bounded_memory() {
    let fact = Fact::Segment { name: "x".repeat(facts::MAX_FACT / 2) }.to_frame();
    let mut stream = fact.repeat(40);
    stream.extend(zstd::encode_all(&b"data"[..], 1).unwrap());
    let mut reader = Decompressor::new(stream.as_slice());
    let mut back = Vec::new();
    reader.read_to_end(&mut back).unwrap();
    assert_eq!(back, b"data");
    assert!((4..=8).contains(&reader.content().facts.len()));
}

#[test]
fn a_stream_that_is_cut_is_an_error() {
    for algorithm in [Algorithm::Zstd, Algorithm::Gzip] {
        let stream = compressed(algorithm, &[(Some(Fact::Segment { name: "a".into() }), b"some bytes of data")]);
        for cut in 4..stream.len() {
            // Not where the stream says how it ends: see there.
            let whole_frames = looks_compressed(&stream[cut..]);
            let result = Decompressor::new(&stream[..cut]).read_to_end(&mut Vec::new());
            assert!(result.is_err() || whole_frames, "{algorithm:?} cut at {cut}");
        }
    }
}
