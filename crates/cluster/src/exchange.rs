//! The hello from either end: who says what when, and what is checked.
//!
//! The listener speaks first. A dialler whose certificate was not accepted has then sent nothing that the listener left unread,
//! and so hears the reason instead of a connection that is reset.

use tokio::io::{AsyncRead, AsyncWrite};

use crate::certificate::Shown;
use crate::error::{NotEstablished, RefusalCode};
use crate::hello::{Frame, HelloError, Nonce, PROTOCOL_VERSION, read_frame, write_frame};
use crate::member_name::MemberName;

/// What one end needs for a hello.
pub(crate) struct Hello<'a> {
    /// The own name.
    pub(crate) own: &'a MemberName,
    /// The other end's certificate.
    pub(crate) shown: &'a Shown,
    /// Whether the certificate must vouch for the name that the other end gives itself.
    pub(crate) verify_name: bool,
}

impl Hello<'_> {
    /// As the end that was dialled. `admit` is asked for a place once the other end has proven itself.
    pub(crate) async fn listen<S, P>(
        &self,
        stream: &mut S,
        admit: impl FnOnce() -> Result<P, NotEstablished>,
    ) -> Result<(MemberName, P), NotEstablished>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let sent = nonce()?;
        let greeting = Frame::Greeting {
            nonce: sent,
            name: self.own.clone(),
        };
        write_frame(stream, &greeting).await?;
        let heard = read_frame(stream).await.and_then(|frame| match frame {
            Frame::Answer { returned, nonce, name } => {
                self.check(&name, returned == sent)?;
                Ok((name, nonce, admit()?))
            }
            other => Err(out_of_turn(&other)),
        });
        match heard {
            Ok((name, returned, place)) => {
                write_frame(stream, &Frame::Confirmation { returned }).await?;
                Ok((name, place))
            }
            Err(error) => Err(refuse(stream, error).await),
        }
    }

    /// As the end that dials.
    pub(crate) async fn dial<S>(&self, stream: &mut S) -> Result<MemberName, NotEstablished>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let greeted = read_frame(stream).await.and_then(|frame| match frame {
            Frame::Greeting { nonce, name } => {
                self.check(&name, true)?;
                Ok((name, nonce))
            }
            other => Err(out_of_turn(&other)),
        });
        let (name, returned) = match greeted {
            Ok(greeted) => greeted,
            Err(error) => return Err(refuse(stream, error).await),
        };
        let sent = nonce()?;
        let answer = Frame::Answer {
            returned,
            nonce: sent,
            name: self.own.clone(),
        };
        write_frame(stream, &answer).await?;
        match read_frame(stream).await? {
            Frame::Confirmation { returned } if returned == sent => Ok(name),
            Frame::Confirmation { .. } => Err(refuse(stream, NotEstablished::WrongNonce).await),
            other => Err(out_of_turn(&other)),
        }
    }

    fn check(&self, name: &MemberName, returned: bool) -> Result<(), NotEstablished> {
        if !returned {
            return Err(NotEstablished::WrongNonce);
        }
        if self.verify_name && !self.shown.vouches_for(name) {
            return Err(NotEstablished::NameNotCertified { name: name.clone() });
        }
        Ok(())
    }
}

fn nonce() -> Result<Nonce, NotEstablished> {
    let mut nonce = Nonce::default();
    aws_lc_rs::rand::fill(&mut nonce).map_err(|_| NotEstablished::NoRandomBytes)?;
    Ok(nonce)
}

fn out_of_turn(frame: &Frame) -> NotEstablished {
    match frame {
        Frame::Refusal(code) => NotEstablished::Refused(*code),
        _ => NotEstablished::NotAHello(HelloError::OutOfTurn),
    }
}

/// Tells the other end what it can do something about; a stranger who sent garbage hears nothing.
async fn refuse<S: AsyncWrite + Unpin>(stream: &mut S, error: NotEstablished) -> NotEstablished {
    let code = match &error {
        NotEstablished::OtherVersion { .. } => RefusalCode::Version,
        NotEstablished::NameNotCertified { .. } => RefusalCode::Name,
        NotEstablished::TooManyConnections { .. } => RefusalCode::Full,
        NotEstablished::WrongNonce => RefusalCode::Nonce,
        _ => return error,
    };
    // Whether it arrives changes nothing.
    let _sent = write_frame(stream, &Frame::Refusal(code)).await;
    tracing::debug!(version = PROTOCOL_VERSION, ?code, "refused in the hello");
    error
}
