public import Wire

/// A figure over two parameters of a search: what to paint.
public struct HeatMap: Hashable, Sendable {
    /// What a cell shows of the points in it, which differ in the other parameters.
    public enum Gathering: String, Hashable, Sendable, CaseIterable {
        case best
        case mean
        case worst
    }

    /// The values along the two sides; a number that took more than ``maximumSide`` values stands in even intervals,
    /// named by their lower ends.
    public let x: [JSONValue]
    public let y: [JSONValue]
    /// `cells[i][j]` is of `y[i]` and `x[j]`; nil where no point has the figure.
    public let cells: [[Double?]]

    /// The most values of a side.
    public static let maximumSide = 50

    /// Gathers points.
    ///
    /// - Parameters:
    ///   - x: A parameter's name.
    ///   - y: Another's.
    ///   - figure: A figure's name; nil for the score.
    public init(
        _ points: [SearchBook.Known], x xName: String, y yName: String, figure: String? = nil,
        gathering: Gathering = .best
    ) {
        let across = Side(points.compactMap { $0.point[xName] })
        let down = Side(points.compactMap { $0.point[yName] })
        var gathered = [[[Double]]](
            repeating: [[Double]](repeating: [], count: across.values.count), count: down.values.count)
        for known in points {
            let number = figure.map { known.outcome.figures[$0] } ?? known.outcome.score
            guard let number, let column = known.point[xName].flatMap({ across.index(of: $0) }),
                let row = known.point[yName].flatMap({ down.index(of: $0) })
            else { continue }
            gathered[row][column].append(number)
        }
        x = across.values
        y = down.values
        cells = gathered.map { row in
            row.map { numbers in
                switch gathering {
                case .best: numbers.max()
                case .mean: numbers.isEmpty ? nil : numbers.reduce(0, +) / Double(numbers.count)
                case .worst: numbers.min()
                }
            }
        }
    }

    /// For the API.
    public var json: JSONValue {
        .members([
            "x": .array(x), "y": .array(y),
            "cells": .array(
                cells.map { row in
                    .array(row.map { $0.map { .number($0.description) } ?? .null })
                }),
        ])
    }

    private struct Side {
        let values: [JSONValue]
        private let places: [JSONValue: Int]

        init(_ all: [JSONValue]) {
            let different = Set(all)
            let numbers = different.map { ($0, $0.doubleValue) }
            guard numbers.allSatisfy({ $0.1 != nil }) else {
                values = Array(different.sorted { $0.text < $1.text }.prefix(HeatMap.maximumSide))
                places = Dictionary(uniqueKeysWithValues: values.enumerated().map { ($1, $0) })
                return
            }
            let sorted = numbers.sorted { ($0.1 ?? 0) < ($1.1 ?? 0) }.map(\.0)
            let width = (sorted.count + HeatMap.maximumSide - 1) / HeatMap.maximumSide
            values = stride(from: 0, to: sorted.count, by: max(1, width)).map { sorted[$0] }
            places = Dictionary(
                uniqueKeysWithValues: sorted.enumerated().map { ($1, $0 / max(1, width)) })
        }

        func index(of value: JSONValue) -> Int? { places[value] }
    }
}
