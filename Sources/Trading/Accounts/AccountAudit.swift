/// How far the questions about one account are, and which differences of its money they have shown.
///
/// A difference may be a fill that is under way at the moment of asking. So whatever matters gets a number in the order in
/// which it happened: questions, answers, changes of the books. A difference counts once two answers show the same, nothing
/// of that currency or coin changed since before the first was asked, some time lies between them, and between them the
/// venue told all trades and open orders. No clock is needed for it.
struct AccountAudit: Sendable {
    /// What a question is for.
    enum Topic { case trades, orders }

    /// What should be asked next.
    enum Wish { case nothing, lists, balances }

    /// A question for balances.
    struct Question: Sendable {
        let number: Int
        let review: Int
        /// The number of the first question for the lists that were complete when this was asked.
        let lists: Int?
    }

    /// A difference that one answer has shown.
    struct Sighting: Sendable {
        let difference: FixedDecimal
        /// The numbers of the question and of its answer.
        let question: Int
        let answer: Int
        let review: Int
    }

    /// Questions for trades and open orders of which one at least is under way.
    private struct Lists: Sendable {
        /// The number of the first.
        let asked: Int
        let began: Timestamp
        var topics: Set<Topic>
        var hasFailed = false
    }

    /// When trades and open orders were last told in full, and how long that took, in milliseconds.
    private(set) var lastRound: (began: Timestamp, milliseconds: Int64)?
    /// The question for balances that is under way.
    private(set) var question: Question?
    /// The last answer to one, and what the books said at that moment.
    private(set) var told: [String: FixedDecimal] = [:]
    private(set) var booked: [String: FixedDecimal] = [:]
    private(set) var toldAt: Timestamp?
    /// Why there was no answer to the last one.
    private(set) var fault: String?
    /// Differences that are to be seen a second time.
    private(set) var sightings: [String: Sighting] = [:]
    /// What could not be compared for what was under way.
    private(set) var undecided: Set<String> = []
    /// How many questions may still be asked before the next regular ones.
    private var tries = 0
    private var number = 0
    private var reviews = 0
    private var changes: [String: Int] = [:]
    private var lists: Lists?
    /// The number of the first question for the lists that were last complete.
    private var lastLists: Int?

    /// Whether something is still to come of what was asked.
    var isUnderWay: Bool {
        question != nil || lists != nil || !sightings.isEmpty || (!undecided.isEmpty && tries > 0)
    }

    // MARK: Trades and open orders

    mutating func asks(_ topic: Topic, at time: Timestamp) {
        number += 1
        if lists == nil { lists = Lists(asked: number, began: time, topics: []) }
        lists?.topics.insert(topic)
    }

    /// One of them was not answered.
    mutating func missesAnswer(isLast: Bool) {
        lists?.hasFailed = true
        if isLast { lists = nil }
    }

    /// None of them is under way any more.
    mutating func hasAllAnswers(at time: Timestamp) {
        guard let lists else { return }
        self.lists = nil
        guard !lists.hasFailed, lists.topics.count == 2 else { return }
        lastLists = lists.asked
        lastRound = (lists.began, max(0, time.milliseconds - lists.began.milliseconds))
    }

    // MARK: Balances

    /// Notes a regular question for balances, after which some more may be asked. False while one is under way already.
    mutating func asksBalances() -> Bool {
        tries = 5
        guard question == nil else { return false }
        ask()
        return true
    }

    private mutating func ask() {
        number += 1
        question = Question(number: number, review: reviews, lists: lastLists)
    }

    mutating func heardNothing(_ reason: String) {
        question = nil
        fault = reason
    }

    /// The books changed by a fill, or by what a person accepted.
    mutating func changed(_ asset: String) {
        number += 1
        changes[asset] = number
        sightings[asset] = nil
    }

    /// Takes an answer.
    ///
    /// - Parameters:
    ///   - found: Differences that are not known yet, nought among them where one was known that is gone.
    ///   - unsettled: What has orders of which more is to be heard.
    ///   - least: How many reviews must lie between two answers.
    /// - Returns: Those that count from now on; each is then booked or noted.
    mutating func take(
        _ balances: [String: FixedDecimal], against booked: [String: FixedDecimal],
        found: [String: FixedDecimal], unsettled: Set<String>, least: Int, at time: Timestamp
    ) -> Set<String> {
        guard let question else { return [] }
        self.question = nil
        number += 1
        (told, toldAt, fault) = (balances, time, nil)
        self.booked = booked
        undecided = []
        var counted: Set<String> = []
        for asset in sightings.keys where found[asset] == nil { sightings[asset] = nil }
        for (asset, difference) in found {
            let change = changes[asset] ?? 0
            guard !unsettled.contains(asset), change < question.number else {
                undecided.insert(asset)
                sightings[asset] = nil
                continue
            }
            if let seen = sightings[asset], seen.difference == difference, change < seen.question {
                if question.review - seen.review >= least, let lists = question.lists, lists > seen.answer {
                    counted.insert(asset)
                }
            } else {
                sightings[asset] = Sighting(
                    difference: difference, question: question.number, answer: number, review: reviews)
            }
        }
        return counted
    }

    /// A difference was booked: what was there at first sight, or what a person accepted.
    mutating func booked(_ difference: FixedDecimal, of asset: String) {
        booked[asset] = FixedDecimal.sum(booked[asset] ?? .zero, difference)
        changed(asset)
    }

    /// A difference that counted is known from now on.
    mutating func noted(_ asset: String) { sightings[asset] = nil }

    /// Lets a moment pass.
    mutating func pass() {
        reviews += 1
        // An answer that did not come by now is not waited for any longer.
        if let question, reviews - question.review > 120 { heardNothing("no answer came") }
    }

    /// What should be asked now, noted as asked.
    mutating func next(least: Int) -> Wish {
        guard question == nil, tries > 0 else { return .nothing }
        let ripe = sightings.values.filter { reviews - $0.review >= least }
        if let newest = ripe.map(\.answer).max() {
            let isListed = lastLists.map { $0 > newest } ?? false
            guard isListed || lists == nil else { return .nothing }
            tries -= 1
            if isListed { ask() }
            return isListed ? .balances : .lists
        }
        guard !undecided.isEmpty else { return .nothing }
        tries -= 1
        ask()
        return .balances
    }
}
