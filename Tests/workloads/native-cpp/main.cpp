// What programs in C++ do with the standard library: streams, file systems, threads, clocks, exceptions.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <map>
#include <mutex>
#include <random>
#include <semaphore>
#include <shared_mutex>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace fs = std::filesystem;

static void files() {
    fs::create_directories("/work/a/b");
    std::ofstream("/work/a/b/file") << "one\ntwo\n" << std::string(100'000, 'x');
    std::stringstream whole;
    whole << std::ifstream("/work/a/b/file").rdbuf();
    fs::rename("/work/a/b/file", "/work/a/file");
    for (const auto &entry : fs::recursive_directory_iterator("/work")) (void)entry.is_directory();
    std::error_code fault;
    (void)(fs::exists("/work/a") && fs::file_size("/work/a/file")), fs::canonical("/work/a"), fs::current_path();
    fs::resize_file("/work/a/file", 10, fault), fs::space("/work", fault);
    fs::copy_file("/work/a/file", "/work/a/copy", fault);
    fs::remove_all("/work/a");
}

static void threads() {
    std::mutex lock;
    std::shared_mutex shared;
    std::condition_variable change;
    std::counting_semaphore<4> semaphore(0);
    std::atomic<int> count{0};
    std::vector<std::jthread> workers;
    for (int number = 0; number < 3; number++)
        workers.emplace_back([&] {
            std::shared_lock reading(shared);
            std::lock_guard guard(lock);
            count++, count.notify_all(), change.notify_all(), semaphore.release();
        });
    for (int value = count; value < 3; value = count) count.wait(value);
    semaphore.acquire();
    std::unique_lock guard(lock);
    change.wait_for(guard, std::chrono::milliseconds(1), [] { return false; });
    guard.unlock();
    std::async(std::launch::async, [] { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }).get();
    std::this_thread::yield(), (void)std::thread::hardware_concurrency();
}

static void numbers() {
    std::random_device device;
    std::mt19937 generator(device());
    std::map<int, double> values;
    for (int n = 0; n < 100'000; n++) values[n] = std::normal_distribution<>()(generator);
    (void)std::chrono::system_clock::now(), (void)std::chrono::steady_clock::now();
    try {
        throw std::runtime_error("caught");
    } catch (const std::exception &error) {
        std::cerr << error.what() << std::endl;
    }
}

int main() {
    files(), threads(), numbers();
    for (std::string line; std::getline(std::cin, line);) {
        if (line.find("\"type\":\"hello\"") != std::string::npos)
            std::cout << "{\"type\":\"ready\",\"sdk\":\"workload\"}" << std::endl;
        if (line.find("\"type\":\"ping\"") != std::string::npos)
            std::cout << "{\"type\":\"pong\",\"id\":" << std::stoi(line.substr(line.find("\"id\":") + 5)) << "}" << std::endl;
        if (line.find("\"type\":\"stop\"") != std::string::npos) return 0;
    }
}
