//! A transport that tells one lie.

use std::sync::Arc;

use async_trait::async_trait;
use bahub_core::instance::{Coverage, Identity};
use bahub_core::run::RunContext;
use bahub_core::step::Exit;
use bahub_core::transport::{Exec, Locality, PlacedPath, Process, PutFile, Session, Transport, TransportError};

use super::WorkloadTransport;
use super::streams::{cut, merged, stuck, without_tail};

/// What a transport lies about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportLie {
    /// Standard output is cut after a mebibyte, and the exit status is reported as 0.
    CutsAndSaysZero,
    /// The last 100 bytes of standard output are lost.
    LosesTheTail,
    /// Standard error is merged into standard output.
    MergesStderr,
    /// A program killed by a signal is reported as ended with 0.
    SignalIsZero,
    /// Every exit status but 0 is 1.
    FlattensExitCodes,
    /// A program that cannot be started is reported as ended with 0.
    MissingIsZero,
    /// Standard error is not read after 64 KiB.
    HangsOnFlood,
    /// The end of standard input does not reach the program.
    KeepsStdinOpen,
    /// Dropping a process leaves it running until the session closes.
    LeavesDropped,
    /// Placed files stay after the close.
    LeavesPlacedFiles,
    /// Programs stay after the close.
    LeavesPrograms,
    /// All sessions place files with the same name at the same path.
    SharesOnePlace,
    /// Each session is connected to another instance.
    ChangesInstance,
    /// Every path is reported as the instance's own.
    OwnsEverything,
    /// All paths get the answer of the first.
    AnswersForTheFirst,
    /// The workload is always reported as quiet, even if it was started.
    IsAlwaysQuiet,
    /// The workload stays down until the close.
    ResumesLate,
    /// The workload stays down.
    LeavesDown,
}

/// A [`WorkloadTransport`] except for its lie.
#[derive(Debug, Clone)]
pub struct LyingTransport {
    lie: TransportLie,
    /// The folder of this liar's leftovers; it is removed with the transport.
    leftovers: Arc<tempfile::TempDir>,
    honest: WorkloadTransport,
}

impl LyingTransport {
    /// A transport that tells this lie.
    ///
    /// # Panics
    /// If no temporary folder can be created.
    pub fn new(lie: TransportLie) -> Self {
        Self {
            lie,
            leftovers: Arc::new(tempfile::tempdir().expect("a temporary folder can be made")),
            honest: WorkloadTransport::default(),
        }
    }

    /// Tells its lie about this transport.
    #[must_use]
    pub fn about(self, honest: WorkloadTransport) -> Self {
        Self { honest, ..self }
    }
}

#[async_trait]
impl Transport for LyingTransport {
    async fn open(&self, cx: &RunContext) -> Result<Box<dyn Session>, TransportError> {
        let honest = self.honest.open(cx).await?;
        Ok(Box::new(LyingSession { honest, transport: self.clone() }))
    }
}

struct LyingSession {
    honest: Box<dyn Session>,
    transport: LyingTransport,
}

#[async_trait]
impl Session for LyingSession {
    fn locality(&self) -> Locality {
        self.honest.locality()
    }

    async fn identity(&mut self) -> Result<Identity, TransportError> {
        let identity = self.honest.identity().await?;
        Ok(match self.transport.lie {
            TransportLie::ChangesInstance => identity.with("id", crate::fixtures::unique()),
            _ => identity,
        })
    }

    async fn coverage(&mut self, paths: &[String]) -> Result<Vec<Coverage>, TransportError> {
        let coverage = self.honest.coverage(paths).await?;
        Ok(match (self.transport.lie, coverage.first()) {
            (TransportLie::OwnsEverything, _) => vec![Coverage::Own; paths.len()],
            (TransportLie::AnswersForTheFirst, Some(first)) => vec![first.clone(); paths.len()],
            _ => coverage,
        })
    }

    async fn quiesce(&mut self) -> Result<(), TransportError> {
        self.honest.quiesce().await
    }

    async fn verify_quiesced(&mut self) -> Result<(), TransportError> {
        match self.transport.lie {
            TransportLie::IsAlwaysQuiet => Ok(()),
            _ => self.honest.verify_quiesced().await,
        }
    }

    async fn resume(&mut self) -> Result<(), TransportError> {
        match self.transport.lie {
            TransportLie::ResumesLate | TransportLie::LeavesDown => Ok(()),
            _ => self.honest.resume().await,
        }
    }

    async fn exec(&mut self, command: &Exec) -> Result<Process, TransportError> {
        let lie = self.transport.lie;
        let process = match (lie, self.honest.exec(command).await) {
            (TransportLie::MissingIsZero, Err(_)) => self.honest.exec(&Exec::new(["true"])).await?,
            (_, started) => started?,
        };
        let Process { stdin, stdout, stderr, exit } = process;
        Ok(match lie {
            TransportLie::CutsAndSaysZero => {
                Process { stdin, stdout: cut(stdout, 1 << 20), stderr, exit: told(exit, |_| Exit::Code(0)) }
            }
            TransportLie::LosesTheTail => Process { stdin, stdout: without_tail(stdout, 100), stderr, exit },
            TransportLie::MergesStderr => {
                Process { stdin, stdout: merged(stdout, stderr), stderr: Box::pin(tokio::io::empty()), exit }
            }
            TransportLie::SignalIsZero => {
                let exit = told(exit, |exit| if let Exit::Signal(_) = exit { Exit::Code(0) } else { exit });
                Process { stdin, stdout, stderr, exit }
            }
            TransportLie::FlattensExitCodes => {
                let exit = told(exit, |exit| if exit == Exit::Code(0) { exit } else { Exit::Code(1) });
                Process { stdin, stdout, stderr, exit }
            }
            TransportLie::HangsOnFlood => Process { stdin, stdout, stderr: stuck(stderr, 64 * 1024), exit },
            TransportLie::KeepsStdinOpen => Process { stdin: Box::pin(NeverShut(stdin)), stdout, stderr, exit },
            TransportLie::LeavesDropped => {
                let detached = tokio::spawn(exit);
                let exit = async move { detached.await.unwrap_or(Exit::Lost) };
                Process { stdin, stdout, stderr, exit: Box::pin(exit) }
            }
            _ => Process { stdin, stdout, stderr, exit },
        })
    }

    async fn put(&mut self, file: PutFile<'_>) -> Result<PlacedPath, TransportError> {
        match self.transport.lie {
            TransportLie::LeavesPlacedFiles | TransportLie::SharesOnePlace => {
                let folder = match self.transport.lie {
                    TransportLie::SharesOnePlace => self.transport.leftovers.path().to_owned(),
                    _ => self.transport.leftovers.path().join(crate::fixtures::unique()),
                };
                let path = folder.join(file.name);
                let placed = std::fs::create_dir_all(&folder)
                    .and_then(|()| std::fs::remove_file(&path).or(Ok(())))
                    .and_then(|()| crate::fixtures::place_file(&path, file.content, file.mode));
                match placed {
                    Ok(()) => Ok(PlacedPath(path.to_string_lossy().into_owned())),
                    Err(_) => self.honest.put(file).await,
                }
            }
            _ => self.honest.put(file).await,
        }
    }

    async fn close(self: Box<Self>) -> Result<(), TransportError> {
        if self.transport.lie == TransportLie::LeavesDown {
            std::mem::forget(self.honest);
            return Ok(());
        }
        if self.transport.lie == TransportLie::LeavesPrograms {
            // What is left is killed when the test's runtime ends.
            tokio::spawn(async move {
                std::future::pending::<()>().await;
                drop(self);
            });
            return Ok(());
        }
        self.honest.close().await
    }
}

type ExitFuture = std::pin::Pin<Box<dyn Future<Output = Exit> + Send>>;

fn told(exit: ExitFuture, lie: fn(Exit) -> Exit) -> ExitFuture {
    Box::pin(async move { lie(exit.await) })
}

/// Forwards bytes, but never the end.
struct NeverShut(std::pin::Pin<Box<dyn tokio::io::AsyncWrite + Send>>);

impl tokio::io::AsyncWrite for NeverShut {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        self.0.as_mut().poll_write(cx, bytes)
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        self.0.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        _cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}
