import Lab
import Testing
import Trading
import Wire

@Suite struct `The book of a search` {
    private func point(_ number: Int) -> SearchPoint { SearchPoint([.init("n", .integer(number))]) }

    private func outcome(_ score: Double?) -> PointOutcome {
        PointOutcome(score: score, figures: [:], finalEquity: FixedDecimal(1), trades: 0)
    }

    @Test func `asks no further ahead than the window, however runs end`() {
        var book = SearchBook(budget: 10, window: 2)
        #expect(book.step == .ask(0))
        let isNew1 = book.name(point(0))
        #expect(isNew1)
        #expect(book.step == .ask(1))
        let isNew2 = book.name(point(1))
        #expect(isNew2)
        #expect(book.step == .wait)
        book.finish(point(1), outcome(5))
        #expect(book.step == .wait, "point 0 is not known yet, and point 2 follows from it")
        let tells10 = book.takeTells()
        #expect(tells10.isEmpty)
        book.finish(point(0), outcome(3))
        #expect(book.step == .ask(2))
        let tells11 = book.takeTells()
        #expect(tells11.map(\.number) == [0], "point 2 follows from point 0, whatever else is known")
        let tells12 = book.takeTells()
        #expect(tells12.isEmpty)
    }

    @Test func `runs no point twice, though it is named twice`() {
        var book = SearchBook(budget: 4, window: 1)
        let isNew3 = book.name(point(7))
        #expect(isNew3)
        let isNew4 = book.name(point(7))
        #expect(!isNew4, "it is on its way")
        book.finish(point(7), outcome(1))
        let isNew5 = book.name(point(7))
        #expect(!isNew5, "it is known")
        let tells13 = book.takeTells()
        #expect(tells13.map(\.score) == [1, 1, 1])
        #expect(book.known.map(\.number) == [0])
        #expect(book.doneCount == 1)
    }

    @Test func `needs no run for what an earlier life has kept`() {
        var book = SearchBook(budget: 2, window: 1, known: [point(0): outcome(4)])
        #expect(book.doneCount == 1)
        let isNew6 = book.name(point(0))
        #expect(!isNew6)
        #expect(book.best?.outcome.score == 4)
        #expect(book.step == .ask(1))
        let isNew7 = book.name(point(1))
        #expect(isNew7)
        book.finish(point(1), outcome(nil))
        #expect(book.step == .finished)
        #expect(book.best?.number == 0)
    }

    @Test func `ends when the method has no more points`() {
        var book = SearchBook(budget: 5, window: 5)
        let isNew8 = book.name(point(0))
        #expect(isNew8)
        let isNew9 = book.name(nil)
        #expect(!isNew9)
        #expect(book.step == .wait)
        book.finish(point(0), outcome(1))
        #expect(book.step == .finished)
    }

    @Test func `takes the first of equal scores for the best, whichever ended first`() {
        var book = SearchBook(budget: 3, window: 3)
        for number in 0..<3 { _ = book.name(point(number)) }
        book.finish(point(2), outcome(9))
        book.finish(point(1), outcome(9))
        book.finish(point(0), outcome(1))
        #expect(book.best?.number == 1)
    }
}
