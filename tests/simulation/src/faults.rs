//! How likely each kind of trouble is in a run. Every run draws its own mixture, so that some are calm, some have one fault often,
//! and some have everything at once.

use crate::choice::Choices;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A service refuses a call: throttled, unreachable.
    Refusal,
    /// A call was carried out, and its answer is lost: a time-out after the commit.
    LostAnswer,
    /// A call is never answered; it may have been carried out.
    Hang,
    /// An execution environment dies, before a call is carried out, after it, or with the call arriving later.
    Crash,
    /// An index or an inconsistent read shows what was before.
    StaleRead,
    /// A message becomes visible while it is worked on, or a deleted one comes again.
    Redelivery,
    /// A message is handed out, and the function is throttled: it never runs, and the receipt counts.
    Throttle,
    /// The answer to the poller, or to the sender, is lost.
    LostResponse,
    /// An outage of the ERP, exhausted quotas, a tenant that takes its approval back.
    ErpTrouble,
    /// Deployments, rotated secrets, sweeps, forgeries, foreign messages: nothing fails, but much happens.
    Operations,
    /// Time passes while calls are under way.
    SlowCalls,
    /// What can go on does so in another order.
    Disorder,
    /// A person pauses, holds, replays, redrives: no fault of anybody's, but it repeats calls as one does.
    Operator,
    /// The clock of a machine is ahead of the others, or behind, by seconds. It is no fault, and explains no repetition.
    Skew,
    /// The ERP refuses a feedback whose id it knows. It takes nothing then, so this explains no repetition.
    FeedbackRefused,
}

const KINDS: usize = 15;
const PER_MILLE: [u32; 4] = [0, 10, 40, 120];
/// So many runs of a thousand have the operator alone, so that nothing but what he does explains what follows.
const ALONE: u32 = 80;

#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates([u32; KINDS]);

impl Rates {
    pub(crate) fn drawn(choices: &mut Choices) -> Self {
        if choices.chance(ALONE) {
            let mut rates = [0; KINDS];
            rates[Fault::Disorder as usize] = PER_MILLE[choices.below(PER_MILLE.len())];
            rates[Fault::Operator as usize] = PER_MILLE[PER_MILLE.len() - 1];
            for kind in [Fault::Skew, Fault::FeedbackRefused] {
                rates[kind as usize] = PER_MILLE[choices.below(PER_MILLE.len())];
            }
            return Self(rates);
        }
        Self(std::array::from_fn(|_| PER_MILLE[choices.pick(&[3, 2, 2, 1])]))
    }

    /// Only calls fail, each kind as often as it is drawn.
    pub(crate) fn of_calls(choices: &mut Choices) -> Self {
        let mut rates = [0; KINDS];
        for fault in [Fault::Refusal, Fault::LostAnswer, Fault::Hang, Fault::Crash] {
            rates[fault as usize] = PER_MILLE[choices.pick(&[3, 2, 2, 1])];
        }
        Self(rates)
    }

    /// With these as frequent as any fault can be.
    pub(crate) fn with(mut self, faults: &[Fault]) -> Self {
        faults.iter().for_each(|fault| self.0[*fault as usize] = PER_MILLE[PER_MILLE.len() - 1]);
        self
    }

    pub(crate) fn none() -> Self {
        Self([0; KINDS])
    }

    pub(crate) fn is_calm(self) -> bool {
        self.0.iter().all(|rate| *rate == 0)
    }

    pub(crate) fn of(self, fault: Fault) -> u32 {
        self.0[fault as usize]
    }
}
