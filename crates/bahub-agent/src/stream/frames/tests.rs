//! Whole streams: as bahub makes and reads them, as zstd does, and as other programs may have made them.

use std::fs;
use std::io::{self, Read, Write};
use std::process::Command;

use bahub_core::compression::{Algorithm, Compression};
use bahub_core::facts::Fact;
use zstd_safe::seekable::Seekable;

use super::super::shared::Shared;
use super::super::{Compressor, Decompressor};
use super::write::FrameWriter;
use super::{CONTENT, FrameReader, ROOM};

/// Text and noise in turn, never twice the same.
fn data(size: usize) -> Vec<u8> {
    let mut number = 0x5EED_u64;
    let mut data = Vec::with_capacity(size + 200_000);
    while data.len() < size {
        let line = format!("INSERT INTO orders VALUES ({number}, 'shipped', {});\n", data.len());
        data.extend(line.as_bytes().repeat(20));
        for _ in 0..200 {
            number ^= number << 13;
            number ^= number >> 7;
            number ^= number << 17;
            data.extend(number.to_le_bytes());
        }
    }
    data.truncate(size);
    data
}

fn head() -> Fact {
    Fact::Head {
        adapter: "a".into(),
        version: "1".into(),
        tools: Default::default(),
        record: Default::default(),
        instance: None,
        seekable: true,
    }
}

fn segment(name: &str) -> Fact {
    Fact::Segment { name: name.into() }
}

fn tail() -> Fact {
    Fact::Tail { census: None, warnings: vec!["w".into()] }
}

/// A stream as a capture makes it.
fn stream(threads: u32, parts: &[(&str, &[u8])]) -> Vec<u8> {
    let sink = Shared::default();
    let compression = Compression { threads: Some(threads), ..Compression::new(Algorithm::Zstd) };
    let mut compressor = Compressor::new(compression, sink.clone());
    compressor.fact(&head()).unwrap();
    for (name, content) in parts {
        compressor.fact(&segment(name)).unwrap();
        // As it comes from a pipe: no multiple of anything.
        content.chunks(60_001).for_each(|chunk| compressor.write_all(chunk).unwrap());
    }
    compressor.fact(&tail()).unwrap();
    compressor.finish().unwrap();
    std::mem::take(&mut sink.0.lock().unwrap())
}

fn read(threads: usize, stream: &[u8]) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    Decompressor::new(stream).on_threads(threads).read_to_end(&mut content)?;
    Ok(content)
}

const SIZES: [usize; 6] = [0, 1, CONTENT - 1, CONTENT, CONTENT + 1, 5 * CONTENT + 12_345];

#[test]
fn a_stream_of_any_size_comes_back_on_any_number_of_threads() {
    for size in SIZES {
        let data = data(size);
        let streams = [1, 2, 5].map(|threads| stream(threads, &[("a", &data)]));
        assert!(streams.iter().all(|stream| *stream == streams[0]), "threads change nothing that is written");
        for threads in [1, 2, 5] {
            assert!(read(threads, &streams[0]).unwrap() == data, "{size} on {threads}");
        }
    }
}

#[test]
fn zstd_itself_reads_tests_and_lists_the_stream() {
    let folder = tempfile::tempdir().unwrap();
    for size in SIZES {
        let data = data(size);
        let file = folder.path().join(format!("{size}.zst"));
        fs::write(&file, stream(2, &[("a", &data[..size / 3]), ("b", &data[size / 3..])])).unwrap();
        let zstd = |option: &str| Command::new("zstd").args(["-q", option]).arg(&file).output().unwrap();
        let read = Command::new("zstd").args(["-q", "-d", "-c"]).arg(&file).output().unwrap();
        assert!(read.status.success() && read.stdout == data, "{size}");
        assert!(zstd("--test").status.success(), "{size}");
        let list = Command::new("zstd").args(["--list", "-v"]).arg(&file).output().unwrap();
        let list = String::from_utf8(list.stdout).unwrap();
        assert!(list.contains(&format!("({size} B)")), "{list}");
        // head, two segments, tail, table
        assert!(list.contains("Skips: 5") || list.contains("# Skippable Frames: 5"), "{list}");
    }
}

#[test]
fn zstds_own_reader_of_seek_tables_finds_each_frame_and_reads_it_alone() {
    for size in SIZES {
        let data = data(size);
        let stream = stream(3, &[("a", &data[..size / 2]), ("b", &data[size / 2..]), ("none", b"")]);
        let mut seekable = Seekable::create();
        seekable.init_buff(&stream).map_err(zstd_safe::get_error_name).unwrap();
        let count = seekable.num_frames();
        let (mut end, mut content) = (0, Vec::new());
        for index in 0..count {
            assert_eq!(seekable.frame_compressed_offset(index).unwrap(), end as u64);
            let length = seekable.frame_compressed_size(index).map_err(zstd_safe::get_error_name).unwrap();
            let listed = seekable.frame_decompressed_size(index).map_err(zstd_safe::get_error_name).unwrap();
            assert_eq!(seekable.frame_decompressed_offset(index).unwrap(), content.len() as u64);
            let frame = &stream[end..end + length];
            let alone = zstd::decode_all(frame).unwrap();
            let is_fact = frame.starts_with(&bahub_core::facts::SKIPPABLE_MAGIC.to_le_bytes());
            assert!(alone.len() == listed && listed <= CONTENT && (!is_fact || listed == 0));
            content.extend(alone);
            end += length;
        }
        assert!(content == data, "{size}");
        assert_eq!(end + 8 + 8 * count as usize + 9, stream.len(), "the table is the last frame");
    }
}

#[test]
fn a_segment_begins_a_frame_and_ends_where_the_next_begins() {
    let data = data(4 * CONTENT);
    let (first, second) = data.split_at(2 * CONTENT + 77);
    let stream = stream(3, &[("a", first), ("b", b""), ("c", second)]);
    let mut reader = Decompressor::new(stream.as_slice()).on_threads(3);
    let mut buffer = vec![0; 100_000];
    assert_eq!(reader.read_segment(&mut buffer).unwrap(), 0);
    let mut segments = Vec::new();
    while let Some(name) = reader.next_segment() {
        let mut content = Vec::new();
        while let count @ 1.. = reader.read_segment(&mut buffer).unwrap() {
            content.extend_from_slice(&buffer[..count]);
        }
        segments.push((name, content));
    }
    let expected = [("a", first), ("b", &[][..]), ("c", second)].map(|(name, content)| (name.into(), content.to_vec()));
    assert!(segments == expected);
    let facts = [head(), segment("a"), segment("b"), segment("c"), tail()];
    assert_eq!(reader.content().facts, facts);
}

#[test]
fn a_stream_that_says_how_it_ends_is_refused_wherever_it_is_cut() {
    let whole = stream(2, &[("a", &data(10_000)), ("b", b""), ("c", b"some bytes of data")]);
    for cut in 4..whole.len() {
        assert!(read(2, &whole[..cut]).is_err(), "cut at {cut} of {}", whole.len());
    }
    // At the boundary of two frames of the same segment, too, and where one in the middle is missing.
    let whole = stream(2, &[("a", &data(3 * CONTENT))]);
    let mut seekable = Seekable::create();
    seekable.init_buff(&whole).map_err(zstd_safe::get_error_name).unwrap();
    let [second, third] = [3, 4].map(|index| seekable.frame_compressed_offset(index).unwrap() as usize);
    for threads in [1, 4] {
        assert!(read(threads, &whole[..second]).is_err());
        assert!(read(threads, &[&whole[..second], &whole[third..]].concat()).is_err());
        assert!(read(threads, &[&whole[..], &whole[second..third]].concat()).is_err());
    }
}

#[test]
fn a_version_of_before_comes_back() {
    let data = data(2 * CONTENT);
    let head = br#"{"bahub":"head","adapter":"a","version":"1","tools":{}}"#;
    let mut old = [&[0x5B, 0x2A, 0x4D, 0x18][..], &(head.len() as u32).to_le_bytes(), head].concat();
    for part in [&data[..CONTENT], &data[CONTENT..]] {
        old.extend(segment("x").to_frame());
        // Of an unknown size, as zstd's own threads made it from a pipe.
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
        encoder.write_all(part).unwrap();
        old.extend(encoder.finish().unwrap());
    }
    old.extend(tail().to_frame());
    for threads in [1, 4] {
        assert!(read(threads, &old).unwrap() == data);
    }
}

/// A frame of blocks that are as large as they say, with a header that says what it likes.
fn frame(says: u32, blocks: &[(u32, u32, Vec<u8>)]) -> Vec<u8> {
    let mut frame = [&[0x28, 0xB5, 0x2F, 0xFD, 0xA0][..], &says.to_le_bytes()].concat();
    for (index, (kind, size, bytes)) in blocks.iter().enumerate() {
        let is_last = u32::from(index + 1 == blocks.len());
        frame.extend_from_slice(&(size << 3 | kind << 1 | is_last).to_le_bytes()[..3]);
        frame.extend_from_slice(bytes);
    }
    frame
}

#[test]
fn a_frame_that_lies_about_its_content_is_refused() {
    let first = zstd::encode_all(&b"first"[..], 1).unwrap();
    let rest = zstd::bulk::compress(&data(100_000), 1).unwrap();
    // 128 KiB of one byte in four bytes: a GiB in all, of which the header says nothing.
    let bomb = vec![(1, 128 << 10, vec![7]); 8192];
    for threads in [1, 4] {
        for (says, blocks) in [(999, &[(1, 1000, vec![7])][..]), (1001, &[(1, 1000, vec![7])]), (1 << 20, &bomb)] {
            let stream = [&first[..], &frame(says, blocks), &rest].concat();
            assert!(read(threads, &stream).is_err(), "{says} on {threads}");
        }
        let stream = [&first[..], &frame(1000, &[(1, 1000, vec![7])]), &rest].concat();
        assert_eq!(read(threads, &stream).unwrap().len(), 5 + 1000 + 100_000);
        // A block of an invalid type.
        assert!(read(threads, &[&first[..], &frame(5, &[(3, 5, vec![7; 5])])].concat()).is_err());
    }
}

#[test]
fn a_frame_that_is_longer_than_its_content_comes_back() {
    let first = zstd::encode_all(&b"first"[..], 1).unwrap();
    // A byte a block: four times as long as what it holds.
    let content = data(ROOM / 3);
    let blocks = content.iter().map(|byte| (0, 1, vec![*byte])).collect::<Vec<_>>();
    let long = frame(content.len() as u32, &blocks);
    assert!(long.len() > ROOM);
    let rest = zstd::bulk::compress(&content, 1).unwrap();
    let stream = [&first[..], &rest, &long, &rest, &rest].concat();
    for threads in [1, 4] {
        assert!(read(threads, &stream).unwrap() == [b"first", &content.repeat(4)[..]].concat());
        assert!(read(threads, &stream[..first.len() + rest.len() + long.len() - 1]).is_err());
    }
}

#[test]
fn many_small_frames_of_every_kind_come_back() {
    let (mut stream, mut expected) = (Vec::new(), Vec::new());
    let large = data(CONTENT + 5);
    for number in 0..20_000_usize {
        let content = &large[number..number + number % 7];
        match number % 5 {
            0 => stream.extend([0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3]),
            1 => stream.extend(zstd::encode_all(content, 1).unwrap()),
            _ => stream.extend(zstd::bulk::compress(content, 1).unwrap()),
        }
        if number % 5 > 0 {
            expected.extend_from_slice(content);
        }
        if number % 5000 == 9 {
            stream.extend(zstd::bulk::compress(&large, 1).unwrap());
            expected.extend_from_slice(&large);
        }
    }
    for threads in [1, 3] {
        assert!(read(threads, &stream).unwrap() == expected);
    }
}

#[test]
fn a_stream_that_is_given_up_leaves_no_thread() {
    let data = data(9 * CONTENT);
    let mut writer = FrameWriter::new(Vec::new(), 3, 3);
    writer.write_all(&data).unwrap();
    let threads = writer.threads();
    drop(writer);
    assert_eq!(threads.len(), 3);
    threads.into_iter().for_each(|thread| thread.join().unwrap());

    let stream = stream(3, &[("a", &data)]);
    let mut frames = FrameReader::new(3);
    let mut peek = super::super::peek::Peek::new(&stream[..]);
    let start = stream.windows(4).position(|four| four == super::super::decompress::ZSTD).unwrap();
    io::copy(&mut (&mut peek).take(start as u64), &mut io::sink()).unwrap();
    assert_eq!(frames.read(&mut peek, &mut [0; 10]).unwrap(), 10);
    let threads = frames.threads();
    drop(frames);
    assert_eq!(threads.len(), 3);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_sink_that_fails_is_an_error_of_the_writer() {
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let data = data(CONTENT);
    let mut compressor = Compressor::new(Compression::new(Algorithm::Zstd), Full(3 * CONTENT / 2));
    let written = (0..100).try_for_each(|_| compressor.write_all(&data));
    assert_eq!(written.unwrap_err().kind(), io::ErrorKind::StorageFull);
}
