import Testing
import Trading

@Suite("Dates of the calendar")
struct CivilDateTests {
    @Test(
        arguments: [
            ("1970-01-01", 0), ("1969-12-31", -1), ("2000-02-29", 11_016), ("2000-03-01", 11_017),
            ("1900-03-01", -25_508), ("2026-11-20", 20_777), ("2100-03-01", 47_541),
        ] as [(String, Int64)])
    func `a day has the date that the calendar gives it`(_ text: String, _ day: Int64) {
        let date = CivilDate(utcDay: day)
        #expect(date.description == text && date.utcDay == day)
    }

    @Test func `every day of six centuries leads to its date and back, one after the other`() {
        var last = CivilDate(utcDay: -110_001)
        for day in Int64(-110_000)...110_000 {
            let date = CivilDate(utcDay: day)
            #expect(date.utcDay == day && date.description > last.description)
            last = date
        }
    }

    @Test func `what is no date is none`() {
        #expect(CivilDate(year: 2026, month: 13, day: 1) == nil)
        #expect(CivilDate(year: 2026, month: 0, day: 1) == nil)
        #expect(CivilDate(year: 2026, month: 1, day: 32) == nil)
        #expect(CivilDate(year: -1, month: 1, day: 1) == nil)
    }
}
