// What programs in Swift do: Foundation's files and dates, tasks, queues, timers.
import Dispatch
import Foundation

func files() throws {
    let folder = URL(fileURLWithPath: "/work/folder")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let file = folder.appendingPathComponent("file")
    try Data(repeating: 1, count: 100_000).write(to: file)
    try "text".write(to: file, atomically: true, encoding: .utf8)
    _ = try String(contentsOf: file, encoding: .utf8)
    _ = try FileManager.default.attributesOfItem(atPath: file.path)
    try FileManager.default.moveItem(at: file, to: folder.appendingPathComponent("moved"))
    _ = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    let handle = try FileHandle(forUpdating: folder.appendingPathComponent("moved"))
    try handle.seekToEnd()
    try handle.write(contentsOf: Data("more".utf8))
    try handle.synchronize()
    try handle.close()
    try FileManager.default.removeItem(at: folder)
}

func queues() async {
    await withTaskGroup(of: Int.self) { group in
        for number in 0..<4 { group.addTask { (0...number).reduce(0, +) } }
        for await _ in group {}
    }
    try? await Task.sleep(nanoseconds: 1_000_000)
    let timer = DispatchSource.makeTimerSource(queue: .global())
    await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
        timer.setEventHandler {
            timer.cancel()
            done.resume()
        }
        timer.schedule(deadline: .now() + .milliseconds(1))
        timer.resume()
    }
    DispatchQueue.concurrentPerform(iterations: 4) { _ in }
    let lock = NSLock()
    lock.withLock {}
    let thread = Thread { Thread.sleep(forTimeInterval: 0.001) }
    thread.start()
}

func values() throws {
    _ = (Date(), UUID(), ProcessInfo.processInfo.processorCount, ProcessInfo.processInfo.hostName)
    _ = (
        Double.random(in: 0...1), Int.random(in: 0...9),
        Calendar(identifier: .gregorian).component(.year, from: Date())
    )
    _ = try JSONSerialization.jsonObject(with: JSONEncoder().encode(["a": [1, 2]]))
}

try files()
await queues()
try values()
while let line = readLine() {
    if line.contains("\"type\":\"hello\"") { print("{\"type\":\"ready\",\"sdk\":\"workload\"}") }
    if line.contains("\"type\":\"ping\""),
        let id = line.split(separator: "\"id\":").last?.prefix(while: \.isNumber)
    {
        print("{\"type\":\"pong\",\"id\":\(id)}")
    }
    fflush(nil)
    if line.contains("\"type\":\"stop\"") { break }
}
