internal import Posix

/// A call between being asked for and being answered. It lives on the loop.
final class PendingCall {
    let call: VenueConnection.Call
    /// By the steady clock.
    let deadline: UInt64
    /// How often it was sent.
    var attempts = 0
    /// Whether it was signed anew after the venue found fault with its time or nonce.
    var wasResigned = false
    /// Not to be sent before then: a wait between repeats.
    var notBefore: UInt64 = 0
    /// When the last attempt left.
    var sentAt: UInt64 = 0
    /// What the last attempt sent.
    var sent: SentCall?
    var timer: EventLoop.Timer?
    var ticket: RateBudget.Ticket?
    var circuit: CircuitBreaker.Permit?
    var credential: CircuitBreaker.Permit?
    /// Whether any attempt may have arrived, which a later one that did not leave cannot take back.
    private var mayHaveArrived = false
    private var completion: ((Result<VenueAnswer, CallFailure>) -> Void)?

    init(
        _ call: VenueConnection.Call, deadline: UInt64,
        _ completion: @escaping (Result<VenueAnswer, CallFailure>) -> Void
    ) {
        self.call = call
        self.deadline = deadline
        self.completion = completion
    }

    /// An attempt ended without saying what it did.
    func noteUnanswered() { mayHaveArrived = true }

    /// What a failure of the last attempt means for the call as a whole: once an earlier one may have arrived, neither
    /// "unsent" nor a no that is not about the matter itself says what became of it.
    func afterAll(_ failure: CallFailure) -> CallFailure {
        guard mayHaveArrived else { return failure }
        switch failure {
        case .outcomeUnknown: return failure
        case .unsent(let reason):
            return .outcomeUnknown("an earlier attempt was not answered; then: \(reason)")
        case .refused(let refusal):
            return .outcomeUnknown("an earlier attempt was not answered; then: \(refusal)")
        }
    }

    /// The completion, the first time.
    func takeCompletion() -> ((Result<VenueAnswer, CallFailure>) -> Void)? {
        defer { completion = nil }
        return completion
    }
}
