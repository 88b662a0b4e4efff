use super::answers;
use axum::response::Response;

/// A kind of request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is named after its call")]
pub enum Operation {
    Login,
    Whoami,
    RefreshToken,
    Logout,
    Upload,
    Download,
    List,
    Health,
}

/// An error response of the server, in its real format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// 401: the token is not accepted (`message` contains the text).
    Unauthorized,
    /// 403: not allowed.
    Forbidden,
    /// 408: `Request took too long`.
    TookTooLong,
    /// 429, in plain text.
    TooManyRequests,
    /// 500: anything else.
    ServerError,
}

impl Refusal {
    pub(super) fn response(self) -> Response {
        match self {
            Self::Unauthorized => answers::unauthorized("signature is invalid"),
            Self::Forbidden => answers::forbidden("not authorized to upload versions to this collection"),
            Self::TookTooLong => answers::took_too_long(),
            Self::TooManyRequests => answers::too_many_requests(),
            Self::ServerError => answers::server_error("cannot upload version. storage error"),
        }
    }
}

/// A way to misbehave: what, on which requests, how often. Once by default.
///
/// Positions are bytes of the body; one that a body does not reach has no effect, but the fault counts as used.
#[derive(Debug, Clone)]
pub struct Fault {
    effect: Effect,
    on: Option<Operation>,
    left: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Refuse(Refusal),
    Reset,
    Stall,
    RefuseUploadAfter(Refusal, u64),
    ResetUploadAfter(u64),
    StallUploadAfter(u64),
    AcceptWithoutRegistering,
    StoreOnly(u64),
    LoseAnswer,
    TruncateDownloadAfter(u64),
    ResetDownloadAfter(u64),
    StallDownloadAfter(u64),
    CorruptDownloadAt(u64),
}

impl Fault {
    fn new(effect: Effect, on: Option<Operation>) -> Self {
        Self { effect, on, left: Some(1) }
    }

    fn upload(effect: Effect) -> Self {
        Self::new(effect, Some(Operation::Upload))
    }

    fn download(effect: Effect) -> Self {
        Self::new(effect, Some(Operation::Download))
    }

    /// Answers any request with this refusal, before its body is read.
    pub fn refuse(refusal: Refusal) -> Self {
        Self::new(Effect::Refuse(refusal), None)
    }

    /// Resets the connection of any request (TCP RST) before its body is read.
    pub fn reset() -> Self {
        Self::new(Effect::Reset, None)
    }

    /// Neither reads the body of any request nor answers it, and keeps the connection open.
    pub fn stall() -> Self {
        Self::new(Effect::Stall, None)
    }

    /// Answers an upload with this refusal in the middle of its body.
    pub fn refuse_upload_after(refusal: Refusal, bytes: u64) -> Self {
        Self::upload(Effect::RefuseUploadAfter(refusal, bytes))
    }

    /// Resets the connection of an upload (TCP RST) in the middle of its body.
    pub fn reset_upload_after(bytes: u64) -> Self {
        Self::upload(Effect::ResetUploadAfter(bytes))
    }

    /// Stops reading an upload in the middle of its body, and keeps the connection open; others may upload meanwhile.
    pub fn stall_upload_after(bytes: u64) -> Self {
        Self::upload(Effect::StallUploadAfter(bytes))
    }

    /// Answers 200 to an upload without registering it; old versions are rotated away all the same, as the real server
    /// does when its database fails.
    pub fn accept_without_registering() -> Self {
        Self::upload(Effect::AcceptWithoutRegistering)
    }

    /// Answers 200 to an upload and registers only this many of its first bytes.
    pub fn store_only(bytes: u64) -> Self {
        Self::upload(Effect::StoreOnly(bytes))
    }

    /// Registers an upload and resets the connection instead of answering.
    pub fn lose_answer() -> Self {
        Self::upload(Effect::LoseAnswer)
    }

    /// Announces a download's whole length and closes the connection earlier, cleanly.
    pub fn truncate_download_after(bytes: u64) -> Self {
        Self::download(Effect::TruncateDownloadAfter(bytes))
    }

    /// Resets the connection of a download (TCP RST) in the middle of its body.
    pub fn reset_download_after(bytes: u64) -> Self {
        Self::download(Effect::ResetDownloadAfter(bytes))
    }

    /// Stops sending a download in the middle of its body, and keeps the connection open.
    pub fn stall_download_after(bytes: u64) -> Self {
        Self::download(Effect::StallDownloadAfter(bytes))
    }

    /// Changes the byte of a download at this position.
    pub fn corrupt_download_at(position: u64) -> Self {
        Self::download(Effect::CorruptDownloadAt(position))
    }

    /// Restricts a fault of any request to one kind; no effect on those that concern one kind anyway.
    pub fn on(mut self, operation: Operation) -> Self {
        self.on = self.on.or(Some(operation));
        self
    }

    /// Repeats it for this many matching requests.
    pub fn times(mut self, times: usize) -> Self {
        self.left = Some(times);
        self
    }

    /// Repeats it until [`BackupRepository::behave`](super::BackupRepository::behave).
    pub fn always(mut self) -> Self {
        self.left = None;
        self
    }
}

/// Takes the first fault that matches such a request.
pub(super) fn take(faults: &mut Vec<Fault>, operation: Operation) -> Option<Effect> {
    faults.retain(|fault| fault.left != Some(0));
    let fault = faults.iter_mut().find(|fault| fault.on.is_none_or(|on| on == operation))?;
    if let Some(left) = &mut fault.left {
        *left -= 1;
    }
    Some(fault.effect)
}
