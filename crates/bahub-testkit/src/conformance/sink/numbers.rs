//! Numbers, listings and removals.

use bahub_core::sink::{CommitError, Sink, SinkErrorKind, VersionNumber};

use super::super::report::Checked;
use super::message::{fetch_same, message, new_version, numbers, store, write};

pub(super) async fn grow(sink: &dyn Sink) -> Checked {
    let mut committed = Vec::new();
    for _ in 0..5 {
        committed.push(store(sink, &message(sink, 8_000)).await?.version.0);
    }
    ensure!(committed.is_sorted_by(|one, next| one < next), "the commits got the numbers {committed:?}");
    let listed = numbers(sink).await?;
    ensure!(listed == committed, "the commits got the numbers {committed:?}, and {listed:?} is listed");
    Ok(())
}

pub(super) async fn two_at_once(sink: &dyn Sink) -> Checked {
    let messages = [message(sink, 700_000), message(sink, 900_000)];
    let upload = async |message| {
        let mut upload = sink.begin(&new_version()).await.map_err(CommitError::Refused)?;
        write(upload.as_mut(), message, &[50_000]).await.map_err(CommitError::Refused)?;
        upload.commit().await
    };
    let (one, other) = tokio::join!(upload(&messages[0]), upload(&messages[1]));
    let mut committed = Vec::new();
    for (ended, message) in [one, other].into_iter().zip(&messages) {
        match ended {
            Ok(receipt) => committed.push((receipt.version, message)),
            Err(CommitError::Refused(_)) => {}
            Err(CommitError::Unknown(error)) => {
                return Err(format!("one of two uploads at once has no clear end: {}", error.chain()));
            }
        }
    }
    ensure!(!committed.is_empty(), "both of two uploads at once were refused");
    let mut expected = committed.iter().map(|(number, _)| number.0).collect::<Vec<_>>();
    expected.sort_unstable();
    let listed = numbers(sink).await?;
    ensure!(listed == expected, "two uploads at once got the numbers {expected:?}, and {listed:?} is listed");
    for (number, message) in committed {
        fetch_same(sink, number, message).await?;
    }
    Ok(())
}

pub(super) async fn absent(sink: &dyn Sink) -> Checked {
    not_found(sink, VersionNumber(1)).await?;
    let there = store(sink, &message(sink, 8_000)).await?.version;
    not_found(sink, VersionNumber(there.0 + 1)).await?;
    not_found(sink, VersionNumber(there.0 + 1_000_000)).await
}

async fn not_found(sink: &dyn Sink, number: VersionNumber) -> Checked {
    match sink.open(number).await {
        Err(error) if error.kind() == SinkErrorKind::NotFound => Ok(()),
        Err(error) => Err(format!("opening {number} is {:?}: {}", error.kind(), error.chain())),
        Ok(_) => Err(format!("{number} is not there and can be opened")),
    }
}

pub(super) async fn removed(sink: &dyn Sink) -> Checked {
    let messages = [message(sink, 8_000), message(sink, 9_000), message(sink, 7_000)];
    let mut committed = Vec::new();
    for message in &messages {
        committed.push(store(sink, message).await?.version);
    }
    let removed = sink.remove(committed[1]).await;
    let kept: Vec<_> = match &removed {
        Ok(()) => vec![0, 2],
        Err(_) => vec![0, 1, 2],
    };
    let expected: Vec<u64> = kept.iter().map(|index| committed[*index].0).collect();
    let listed = numbers(sink).await?;
    ensure!(listed == expected, "after remove({}) gave {removed:?}, {listed:?} is listed", committed[1]);
    for index in kept {
        fetch_same(sink, committed[index], &messages[index]).await?;
    }
    if removed.is_ok() {
        not_found(sink, committed[1]).await?;
        ensure!(sink.remove(committed[1]).await.is_err(), "{} can be removed twice", committed[1]);
        let next = store(sink, &messages[1]).await?.version;
        ensure!(next > committed[2], "after a removal the next commit got {next}, and {} is there", committed[2]);
    }
    Ok(())
}
