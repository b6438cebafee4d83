//! Calls about images of hosts.

use std::time::Duration;

use caviada_core::limits;
use futures_util::Stream;
use reqwest::{Body, Method, header};

use super::{Client, Error, Try};
use crate::image::{BUNDLE, Images, LoadedImages, PullImages};

impl Client {
    /// The images of a host that the server knows of.
    pub async fn images(&self, host: &str) -> Result<Images, Error> {
        let call = self.call(Method::GET, &["hosts", host, "images"]);
        self.send(call).await
    }

    /// Has images pulled on a host now, and answers how they stand.
    pub async fn pull_images(&self, host: &str, pull: &PullImages) -> Result<Images, Error> {
        let path = ["hosts", host, "images", "pull"];
        self.send(self.call(Method::POST, &path).body(pull)?).await
    }

    /// Loads a bundle into the engine of a host. It is sent once, as it comes: whoever sends a file
    /// can send it again.
    pub async fn load_images<S>(&self, host: &str, bundle: S) -> Result<LoadedImages, Error>
    where
        S: Stream<Item = std::io::Result<Vec<u8>>> + Send + 'static,
    {
        let url = self.address(&["hosts", host, "images", "load"]);
        let mut request = self
            .http
            .post(url)
            .timeout(Duration::from_millis(limits::PULL_MS_MAX))
            .header(header::CONTENT_TYPE, BUNDLE)
            .body(Body::wrap_stream(bundle));
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let answer = request.send().await;
        let answer = answer.map_err(|error| self.unreachable(&error))?;
        match self.read(answer).await {
            Try::Answer(body) => {
                serde_json::from_slice(&body).map_err(|e| self.protocol(format!("{e}")))
            }
            Try::Final(error) | Try::Again(error, _) => Err(error),
        }
    }
}
