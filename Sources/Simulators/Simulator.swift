import Posix
import Trading
import Wire

/// A simulated exchange that is running: HTTP and WebSockets in its wire protocol, over the project's own matching engine.
///
/// Everything of it lives on one event loop, so that its books, its faults and its answers are always of one mind.
public final class Simulator: Sendable {
    /// Where the exchange is served.
    public let port: Int
    /// Where `/_control` is served.
    public let controlPort: Int
    private let loop: EventLoop
    private let stage: LoopBound<Stage>

    /// Starts a simulator.
    ///
    /// - Throws: ``SimulatorFailure`` with a sentence for whoever started it.
    public static func start(_ configuration: SimulatorConfiguration) async throws(SimulatorFailure)
        -> Simulator
    {
        Signals.ignoreBrokenPipes()
        let loop: EventLoop
        do throws(SystemCallError) {
            loop = try EventLoop(name: "simulator")
        } catch {
            throw SimulatorFailure(.system, "\(error)")
        }
        let result: Result<Simulator, SimulatorFailure> = await withCheckedContinuation { continuation in
            loop.perform {
                do throws(SimulatorFailure) {
                    let stage = try Stage(configuration, loop)
                    continuation.resume(returning: .success(Simulator(stage, loop)))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        if case .failure = result { loop.stop() }
        return try result.get()
    }

    private init(_ stage: Stage, _ loop: EventLoop) {
        self.loop = loop
        port = stage.server.port
        controlPort = stage.controlServer?.port ?? stage.server.port
        self.stage = LoopBound(stage, on: loop)
    }

    /// Closes every connection and ends.
    public func stop() async {
        let (stage, loop) = (stage, loop)
        await withCheckedContinuation { continuation in
            stage.perform { stage in
                stage.stop()
                continuation.resume()
            }
        }
        loop.stop()
    }
}

/// What a running simulator is made of. On the loop.
private final class Stage {
    let server: SimulatorServer
    let controlServer: SimulatorServer?
    private let core: VenueCore
    private let venue: any WireVenue

    init(_ configuration: SimulatorConfiguration, _ loop: EventLoop) throws(SimulatorFailure) {
        let core = try Self.core(configuration, loop)
        let venue: any WireVenue =
            switch configuration.exchange {
            case .binance: BinanceVenue(core)
            case .coindcx: CoinDCXVenue(core)
            case .coinspot: CoinSpotVenue(core)
            }
        let door = FrontDoor(core, venue)
        let about = JSONValue.members([
            "exchange": .string(configuration.exchange.rawValue), "seed": .integer(configuration.seed),
            "candles": .array(configuration.candles.map { .string($0) }),
        ])
        let control = ControlRoutes(core, venue, door, about: about)
        self.core = core
        self.venue = venue
        let isApart = configuration.controlPort != nil
        func isControl(_ call: Call) -> Bool {
            call.path == ControlRoutes.prefix || call.path.hasPrefix(ControlRoutes.prefix + "/")
        }
        let second: () -> Int64 = {
            (core.now.milliseconds + core.settings.milliseconds(VenueSetting.dateSkew)) / 1000
        }
        do throws(SystemCallError) {
            server = try SimulatorServer(
                loop: loop, address: configuration.address, port: configuration.port, second: second
            ) { call in
                if isControl(call), !isApart {
                    call.answer(control.answer(call))
                } else {
                    door.received(call)
                }
            }
            if let port = configuration.controlPort {
                controlServer = try SimulatorServer(
                    loop: loop, address: "127.0.0.1", port: port, second: second
                ) {
                    $0.answer(control.answer($0))
                }
            } else {
                controlServer = nil
            }
        } catch {
            throw SimulatorFailure(.address, "\(error)")
        }
        core.books.onEvent = { venue.booksChanged($0) }
        core.tape.onEvent = { event in
            if case .quote(let quote) = event { core.books.marketMoved(quote) }
            venue.marketMoved(event)
        }
        core.tape.start()
    }

    private static func core(
        _ configuration: SimulatorConfiguration, _ loop: EventLoop
    ) throws(SimulatorFailure) -> VenueCore {
        let exchange = configuration.exchange
        let settings = VenueSettings(exchange.own)
        let faults = FaultBoard(seed: configuration.seed)
        do throws(FieldFailure) {
            for (name, value) in configuration.settings { try settings.set(name, value) }
            for fault in configuration.faults { try faults.add(fault) }
        } catch {
            throw SimulatorFailure(.configuration, error.description)
        }
        let source = try PriceSource(
            seed: configuration.seed, symbols: exchange.symbols, files: configuration.candles,
            past: configuration.past, now: Tape.now)
        let keyring = Keyring(configuration.keys)
        let makerFee = configuration.makerFee ?? exchange.fee
        let takerFee = configuration.takerFee ?? exchange.fee
        var matching = MatchingSettings(
            makerFee: makerFee, takerFee: takerFee, slippageBasisPoints: 0,
            takesFeesInBase: configuration.takesFeesInBase ?? exchange.takesFeesInBase)
        // What is written with eight decimals is charged with eight.
        matching.feeStep = FixedDecimal(units: FixedDecimal.unitsPerOne / 100_000_000)
        let books = Books(
            matching, instruments: source.instruments.map { exchange.listed($0) }, accounts: keyring.accounts,
            balances: exchange.balances.merging(configuration.balances) { $1 })
        return VenueCore(
            loop: loop, settings: settings, keyring: keyring, books: books,
            tape: Tape(loop: loop, settings: settings, source: source), faults: faults, makerFee: makerFee,
            takerFee: takerFee, seed: configuration.seed)
    }

    func stop() {
        core.tape.stop()
        venue.stop()
        server.stop()
        controlServer?.stop()
    }
}
