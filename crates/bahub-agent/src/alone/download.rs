//! `download`: a version in a file.

use bahub_core::link::Deliver;
use bahub_core::sink::{Download as Stored, Sink};
use bytes::Bytes;
use futures::StreamExt;

use super::file::NewFile;
use super::options::{Download, PrivateKey};
use super::restore::reading;
use super::trouble::{Exit, Trouble};
use super::{Run, store};

impl Run<'_> {
    /// Writes the version into a new file, which is there only if it is whole.
    pub(super) async fn download(&self, download: &Download) -> Result<(), Trouble> {
        let sink = store::open(self.options)?;
        let mut file = NewFile::create(&download.path).await?;
        let what = match &download.key {
            Some(key) => self.decrypted(&sink, download, key, &mut file).await?,
            None => self.as_stored(&sink, download, &mut file).await?,
        };
        file.keep().await?;
        self.teller.info(&format!("{what}: {}", download.path.display()));
        Ok(())
    }

    async fn decrypted(
        &self,
        sink: &dyn Sink,
        download: &Download,
        key: &PrivateKey,
        file: &mut NewFile,
    ) -> Result<String, Trouble> {
        let found = self.find(sink, download.version, key).await?;
        let granted = self.granted(sink, &found).await?;
        let take = async |chunk: Bytes| file.write(&chunk).await;
        let read = self
            .with_agent(async |agent| reading(agent, &found, &granted, Deliver::Controller, None, take).await)
            .await?;
        Ok(format!("{} is written, decrypted: {} bytes", found.number, read.plain))
    }

    /// The message, which nothing here can prove.
    async fn as_stored(&self, sink: &dyn Sink, download: &Download, file: &mut NewFile) -> Result<String, Trouble> {
        self.unless_stopped(async {
            let number = store::resolve(sink, download.version).await?;
            let Stored { size, mut stream, .. } = sink.open(number).await?;
            let mut count = 0;
            while let Some(chunk) = stream.next().await {
                let chunk = chunk?;
                count += chunk.len() as u64;
                file.write(&chunk).await?;
            }
            match size {
                Some(size) if size != count => {
                    let message = format!("the server gave {count} bytes of {number}, which has {size}");
                    Err(Trouble::new(Exit::Integrity, message))
                }
                _ => Ok(format!("{number} is written, encrypted as it is stored and unproven: {count} bytes")),
            }
        })
        .await
    }
}
