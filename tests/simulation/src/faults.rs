//! The probability of each kind of trouble in a run. Every run draws its own mixture: some are
//! calm, some have one fault often, and some have everything at the same time.
//!
//! One of them strikes here: DynamoDB answers with less than it could. A batch read leaves keys
//! unprocessed, and a page of a query or a scan ends early, perhaps without any item. This is no
//! fault, and nothing may show it.

use crate::check::Met;
use crate::choice::Choices;
use crate::world::World;
use time::Duration;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A service refuses a call: throttled, unreachable.
    Refusal,
    /// A call was carried out, but its answer is lost: a time-out after the commit.
    LostAnswer,
    /// A call is never answered; it may have been carried out.
    Hang,
    /// An execution environment dies before a call, after it, or while the call arrives later.
    Crash,
    /// An index or an eventually consistent read shows an old state.
    StaleRead,
    /// A message becomes visible during its attempt, or a deleted one comes again.
    Redelivery,
    /// A message is received, but the function is throttled: it does not run, and the receipt
    /// counts.
    Throttle,
    /// The answer to the poller, or to the sender, is lost.
    LostResponse,
    /// An outage of the ERP, exhausted quotas, a tenant that withdraws its approval.
    ErpTrouble,
    /// Events without a fault: deployments, rotated secrets, sweeps, forgeries, foreign messages.
    Operations,
    /// Time passes while calls are under way.
    SlowCalls,
    /// Calls and functions continue in another order.
    Disorder,
    /// An operator pauses, holds, replays, redrives. This is not a fault, but it repeats calls.
    Operator,
    /// The clock of a machine is seconds ahead of the others or behind. It is not a fault, and
    /// explains no repetition.
    Skew,
    /// The ERP refuses a feedback although it knows the id. It stores nothing then, so this
    /// explains no repetition.
    FeedbackRefused,
    /// DynamoDB leaves keys of a batch read unprocessed, or ends a page of a query or a scan early.
    /// It is not a fault, and explains no repetition.
    ShortAnswer,
    /// The answer to a write of the table is lost, and the SDK sends the request again. The function
    /// only hears what became of the second one: its condition may be refused because of the first.
    RepeatedWrite,
    /// A body has about the size at which something changes. It is not a fault.
    LargeBody,
}

const KINDS: usize = 18;
const PER_MILLE: [u32; 4] = [0, 10, 40, 120];
/// Of a thousand runs, the number with an operator and no fault, so that only the operator's
/// actions explain the effects.
const ALONE: u32 = 80;
/// Of a thousand runs, the number with large bodies, which make a run slow.
const LARGE: u32 = 12;
/// The most items of a page that ends early.
const MOST_OF_A_PAGE: usize = 3;
/// The most answers in a row that leave every key. The store gives up after one more, and a refused
/// call shows what happens then.
const MOST_IN_VAIN: u32 = 3;
/// How long the store may wait before it requests keys again, in milliseconds.
const WAITS: [i64; 4] = [50, 100, 200, 400];

#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates([u32; KINDS]);

impl Rates {
    pub(crate) fn drawn(choices: &mut Choices) -> Self {
        let mut rates = [0; KINDS];
        if choices.chance(LARGE) {
            rates[Fault::LargeBody as usize] = PER_MILLE[PER_MILLE.len() - 1];
        }
        if choices.chance(ALONE) {
            rates[Fault::Disorder as usize] = PER_MILLE[choices.below(PER_MILLE.len())];
            rates[Fault::Operator as usize] = PER_MILLE[PER_MILLE.len() - 1];
            for kind in [Fault::Skew, Fault::FeedbackRefused, Fault::ShortAnswer] {
                rates[kind as usize] = PER_MILLE[choices.below(PER_MILLE.len())];
            }
            return Self(rates);
        }
        for rate in &mut rates[..Fault::LargeBody as usize] {
            *rate = PER_MILLE[choices.pick(&[3, 2, 2, 1])];
        }
        Self(rates)
    }

    /// A mixture in which only calls fail, and messages come again.
    pub(crate) fn of_calls(choices: &mut Choices) -> Self {
        use Fault::{Crash, Hang, LostAnswer, Redelivery, Refusal, RepeatedWrite, ShortAnswer};
        let mut rates = [0; KINDS];
        for fault in [Refusal, LostAnswer, Hang, Crash, Redelivery, ShortAnswer, RepeatedWrite] {
            rates[fault as usize] = PER_MILLE[choices.pick(&[3, 2, 2, 1])];
        }
        Self(rates)
    }

    /// The same mixture, with the highest frequency for these.
    pub(crate) fn with(mut self, faults: &[Fault]) -> Self {
        faults.iter().for_each(|fault| self.0[*fault as usize] = PER_MILLE[PER_MILLE.len() - 1]);
        self
    }

    /// No faults. DynamoDB's short answers are none, and go on.
    pub(crate) fn without_faults(self) -> Self {
        let mut rates = [0; KINDS];
        rates[Fault::ShortAnswer as usize] = self.of(Fault::ShortAnswer);
        Self(rates)
    }

    pub(crate) fn is_calm(self) -> bool {
        self.0 == self.without_faults().0
    }

    pub(crate) fn of(self, fault: Fault) -> u32 {
        self.0[fault as usize]
    }
}

impl World {
    fn falls_short(&mut self) -> bool {
        let often = self.rates.of(Fault::ShortAnswer) * 2;
        self.choices.chance(often)
    }

    /// The number of items after which a page ends early.
    pub(crate) fn cut(&mut self) -> Option<usize> {
        if !self.falls_short() {
            return None;
        }
        self.checks.meets(Met::PageCutShort);
        Some(self.choices.below(MOST_OF_A_PAGE + 1))
    }

    /// How many of these keys a batch read leaves unprocessed.
    pub(crate) fn leaves_keys(&mut self, instance: usize, count: usize) -> usize {
        if count == 0 || !self.falls_short() {
            self.in_vain.remove(&instance);
            return 0;
        }
        let mut left = 1 + self.choices.below(count);
        let in_vain = self.in_vain.entry(instance).or_default();
        *in_vain = if left == count { *in_vain + 1 } else { 0 };
        if *in_vain > MOST_IN_VAIN {
            (*in_vain, left) = (0, count - 1);
        }
        if left > 0 {
            self.checks.meets(Met::KeysUnprocessed);
            let now = self.now;
            self.wakes.extend(WAITS.map(|wait| now + Duration::milliseconds(wait)));
            let who = self.name_of(instance);
            self.tell(&who, || format!("gets no answer about {left} of {count} keys"));
        }
        left
    }
}
