//! One resource in its swarm: what is asked of its services, and waited for.

use std::time::Duration;

use async_trait::async_trait;
use bollard::models::TaskState as State;
use bollard::query_parameters::{InspectServiceOptions, ListTasksOptionsBuilder};
use caviada_core::limits;
use tokio::time::Instant;

use super::call::Call;
use super::container::{self, Container, Streams};
use super::label::{self, Role};
use super::observe::{self, Again, Service};
use super::task::{self, Task};
use super::{fault, node, request};
use crate::blueprint::Job;
use crate::pause::Pause;
use crate::reach::Reach;
use crate::{DriverError, ExecOutput, Failure, Identity};

const PLACING_PATIENCE: Duration = Duration::from_millis(limits::driver::PLACING_MS_MAX);

/// One resource in its swarm.
pub(super) struct Site<'a> {
    pub call: &'a Call<'a>,
    pub identity: &'a Identity,
    pub published_at: &'a str,
    /// The node whose engine is spoken to.
    pub here: String,
}

/// What is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// Its container was started.
    Started,
    /// It runs, and its health check passed: before that, no swarm calls it running.
    Well,
}

/// A service with its tasks, the one that counts last.
pub(super) struct Look {
    pub told: bollard::models::Service,
    pub service: Service,
    pub role: Role,
    pub tasks: Vec<Task>,
}

impl Look {
    pub fn current(&self) -> Option<&Task> {
        task::current(&self.tasks, self.service.forced)
    }

    /// Whether the task ended for good: no other will follow.
    pub fn is_over(&self, task: &Task) -> bool {
        let again = match self.service.again {
            Again::Never => false,
            Again::OnFailure => task.state != State::COMPLETE,
            Again::Always => true,
        };
        // What another try cannot mend is not waited for.
        let hopeless = !matches!(fault::of_task(&task.why), Failure::NotReady);
        task.is_over() && (!again || hopeless)
    }
}

impl<'a> Site<'a> {
    /// A service of exactly this generation.
    pub async fn look(&self, service: &str) -> Result<Look, DriverError> {
        let call = self.call;
        label::plain(service).map_err(|why| call.no(Failure::Refused, why))?;
        let name = request::name(self.identity, service);
        let found = call
            .engine
            .inspect_service(&name, None::<InspectServiceOptions>);
        let told = match call.quick(found).await {
            Ok(told) => told,
            Err(fault) if fault.is(404) => {
                let why = label::no_service(self.identity, service);
                return Err(call.no(Failure::Refused, why));
            }
            Err(fault) => return Err(call.failed(fault, service)),
        };
        let mark = observe::mark(&told).filter(|mark| mark.is_of(self.identity));
        let (Some(mark), Some(read)) = (mark, Service::read(&told)) else {
            let why = format!("a service {name} is there that is not ours; remove or rename it");
            return Err(call.no(Failure::NotOurs, why));
        };
        let filter = [("service".to_owned(), vec![read.id.clone()])].into();
        let options = ListTasksOptionsBuilder::new().filters(&filter).build();
        let tasks = call.quick(call.engine.list_tasks(Some(options))).await;
        let tasks = tasks.map_err(|f| call.failed(f, service))?.into_iter();
        let mut tasks: Vec<_> = tasks
            .filter_map(Task::read)
            .map(|task| ((), task))
            .collect();
        task::in_order(&mut tasks);
        Ok(Look {
            told,
            service: read,
            role: mark.role,
            tasks: tasks.into_iter().map(|(_, task)| task).collect(),
        })
    }

    /// Waits until a service was started, or is well.
    pub async fn until(&self, service: &str, until: Until) -> Result<(), DriverError> {
        let mut pause = Pause::of_engine();
        let mut unplaced = None;
        loop {
            let look = self.look(service).await?;
            let mut waits_for = "has no task yet".to_owned();
            if let Some(task) = look.current() {
                // Until its health check passes, it is starting: what it waits for may need it.
                let started = task.state == State::STARTING;
                match task.state {
                    State::RUNNING => return Ok(()),
                    _ if started && until == Until::Started => return Ok(()),
                    _ if look.is_over(task) => {
                        // A job that ended was started, however it ended.
                        let job = look.role == Role::Job && task.container.is_some();
                        return match job && until == Until::Started {
                            true => Ok(()),
                            false => Err(self.not_ready(service, task, &task.ended()).await),
                        };
                    }
                    _ => waits_for = self.placed(service, task, &mut unplaced)?,
                }
            }
            if self.call.left().is_zero() {
                return Err(self.late(service, look.current(), &waits_for).await);
            }
            pause.wait().await;
        }
    }

    /// Waits until a job ended with exit code 0 and wrote what it should.
    pub async fn until_done(&self, service: &str, job: Option<&Job>) -> Result<(), DriverError> {
        let mut pause = Pause::of_engine();
        let mut unplaced = None;
        let task = loop {
            let look = self.look(service).await?;
            let mut waits_for = "has no task yet".to_owned();
            let done = |task: &&Task| task.state == State::COMPLETE;
            if let Some(task) = look.current() {
                let complete = look.tasks.iter().find(done);
                match complete {
                    Some(task) => break task.clone(),
                    None if look.is_over(task) => {
                        return Err(self.not_ready(service, task, &task.ended()).await);
                    }
                    None if task.state == State::RUNNING => waits_for = "did not end".to_owned(),
                    None => waits_for = self.placed(service, task, &mut unplaced)?,
                }
            }
            if self.call.left().is_zero() {
                return Err(self.late(service, look.current(), &waits_for).await);
            }
            pause.wait().await;
        };
        if job.is_none_or(|job| job.output_contains.is_none()) {
            return Ok(());
        }
        let said = self.read_log(
            service,
            &task,
            limits::driver::JOB_LOG_LINES_MAX,
            limits::driver::JOB_LOG_BYTES_MAX,
            Streams::Stdout,
        );
        match container::lacks(&said.await?, job) {
            None => Ok(()),
            Some(why) => Err(self.not_ready(service, &task, &why).await),
        }
    }

    /// What a task that does not run yet waits for; an error once it has found no node for so long
    /// that none will come.
    fn placed(
        &self,
        service: &str,
        task: &Task,
        unplaced: &mut Option<Instant>,
    ) -> Result<String, DriverError> {
        if task.state != State::PENDING || task.why.is_empty() {
            *unplaced = None;
            let more = match task.state {
                State::NEW => " (its network has no addresses yet: another may have its subnet)",
                State::STARTING => ", or did not report itself healthy",
                _ => "",
            };
            return Ok(format!("did not run in time: it is {}{more}", task.state));
        }
        let since = *unplaced.get_or_insert_with(Instant::now);
        let why = format!("no node takes it: {}", task.why);
        if since.elapsed() < PLACING_PATIENCE {
            return Ok(why);
        }
        let kind = match fault::of_task(&task.why) {
            Failure::NotReady => Failure::Refused,
            kind => kind,
        };
        Err(self.call.no(kind, format!("{service}: {why}")))
    }

    async fn late(&self, service: &str, task: Option<&Task>, why: &str) -> DriverError {
        match task {
            Some(task) => self.not_ready(service, task, why).await,
            None => self.call.no(Failure::NotReady, format!("{service} {why}")),
        }
    }

    /// What a task's end means, with the service's name and its last lines.
    async fn not_ready(&self, service: &str, task: &Task, why: &str) -> DriverError {
        let kind = fault::of_task(&task.why);
        if kind != Failure::NotReady {
            return self.call.no(kind, format!("{service} {why}"));
        }
        let lines = self.last_lines_of(service, task).await;
        self.call.no(kind, container::ended(service, why, &lines))
    }

    async fn last_lines_of(&self, service: &str, task: &Task) -> String {
        let (lines, bytes) = (
            limits::driver::LAST_LINES_MAX,
            limits::driver::LAST_BYTES_MAX,
        );
        let log = self.read_log(service, task, lines, bytes, Streams::Both);
        match log.await {
            Ok(log) => String::from_utf8_lossy(&log).trim_end().to_owned(),
            Err(_) => String::new(),
        }
    }

    /// The end of what a task wrote, wherever it ran.
    async fn read_log(
        &self,
        service: &str,
        task: &Task,
        lines: usize,
        bytes_max: usize,
        which: Streams,
    ) -> Result<Vec<u8>, DriverError> {
        let engine = &self.call.engine;
        let options = Some(container::tail(lines, which));
        let here = task.node.as_deref() == Some(self.here.as_str());
        let log = match task.container.as_deref().filter(|_| here) {
            Some(id) => {
                let log = container::end(engine.logs(id, options), bytes_max);
                self.call.quick(log).await
            }
            None => {
                let log = container::end(engine.task_logs(&task.id, options), bytes_max);
                self.call.quick(log).await
            }
        };
        log.map_err(|f| self.call.failed(f, service))
    }

    /// The last lines of a service, of the task that ran last.
    pub async fn log(&self, service: &str, lines: usize) -> Result<Vec<u8>, DriverError> {
        let look = self.look(service).await?;
        let ran = look.tasks.iter().rev().find(|t| t.container.is_some());
        let Some(task) = ran else {
            let why = format!("{service} has not run yet");
            return Err(self.call.no(Failure::Refused, why));
        };
        let lines = lines.min(limits::driver::LOG_LINES_MAX as usize);
        self.read_log(
            service,
            task,
            lines,
            limits::driver::LOG_BYTES_MAX,
            Streams::Both,
        )
        .await
    }

    /// The container of a service, if it runs on the node whose engine is spoken to: no other can be
    /// looked into.
    pub async fn container<'s>(&'s self, service: &'s str) -> Result<Container<'s>, DriverError> {
        let look = self.look(service).await?;
        let call = self.call;
        let Some(task) = look.current().filter(|task| task.container.is_some()) else {
            let why = format!("{service} does not run");
            return Err(call.no(Failure::Refused, why));
        };
        let node = task.node.as_deref().unwrap_or_default();
        if node != self.here {
            let nodes = node::list(call)
                .await
                .map_err(|f| call.failed(f, service))?;
            let why = format!(
                "{service} runs on node {}, and a swarm runs commands and moves files only on the \
                 node that is spoken to",
                nodes.name(node)
            );
            return Err(call.no(Failure::Unsupported, why));
        }
        let id = task.container.clone().unwrap_or_default();
        Ok(Container { call, id, service })
    }
}

#[async_trait]
impl Reach for Site<'_> {
    fn address(&self) -> &str {
        self.published_at
    }

    async fn exec(
        &self,
        service: &str,
        command: &[String],
        timeout: Duration,
    ) -> Result<ExecOutput, DriverError> {
        let container = self.container(service).await?;
        container
            .exec(command, timeout, limits::driver::READINESS_BYTES_MAX)
            .await
    }

    async fn read_file(
        &self,
        service: &str,
        path: &str,
        bytes_max: usize,
    ) -> Result<Vec<u8>, DriverError> {
        self.container(service).await?.file(path, bytes_max).await
    }

    async fn alive(&self, service: &str) -> Result<(), DriverError> {
        let look = self.look(service).await?;
        match look.current() {
            Some(task) if look.is_over(task) => {
                Err(self.not_ready(service, task, &task.ended()).await)
            }
            _ => Ok(()),
        }
    }

    async fn last_lines(&self, service: &str) -> String {
        let Ok(look) = self.look(service).await else {
            return String::new();
        };
        match look.tasks.iter().rev().find(|t| t.container.is_some()) {
            Some(task) => self.last_lines_of(service, task).await,
            None => String::new(),
        }
    }
}
