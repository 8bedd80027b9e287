// Work spread over threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <system_error>
#include <thread>
#include <vector>

namespace fieldfare {

// Calls work(0) to work(n - 1), each on its own thread as long as there are threads to be had. What
// a thread throws (no memory for its scratch, say) is thrown again here, when all have ended.
template <class Work>
void run_threads(std::int64_t n_threads, Work work) {
  std::vector<std::exception_ptr> errors(static_cast<std::size_t>(n_threads));
  const auto guarded = [&](std::int64_t t) noexcept {
    try {
      work(t);
    } catch (...) {
      errors[static_cast<std::size_t>(t)] = std::current_exception();
    }
  };
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(n_threads));
  std::int64_t started = 1;
  try {
    for (; started < n_threads; ++started) threads.emplace_back(guarded, started);
  } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch)
    // The parts that got no thread are done below.
  }
  guarded(0);
  for (std::int64_t t = started; t < n_threads; ++t) guarded(t);
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

// Lets threads wait for one another. The waits are short, a few samples long: they spin.
class Barrier {
 public:
  explicit Barrier(std::int64_t n) : n_(n) {}

  void wait() {
    const std::int64_t turn = turn_.load();
    if (arrived_.fetch_add(1) + 1 == n_) {
      arrived_.store(0);
      turn_.store(turn + 1);
      return;
    }
    for (std::int64_t spins = 0; turn_.load() == turn; ++spins) {
      if (spins > 4096) std::this_thread::yield();
    }
  }

 private:
  std::int64_t n_;
  std::atomic<std::int64_t> arrived_{0}, turn_{0};
};

// Calls work(t, n, barrier) on n threads that may wait for one another: as many as are wanted and can
// be had. What a thread throws ends the process, for the others would wait for it in vain.
template <class Work>
void run_together(std::int64_t wanted, Work work) {
  std::atomic<std::int64_t> size{0};
  std::unique_ptr<Barrier> barrier;
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(wanted));
  const auto start = [&](std::int64_t t) noexcept {
    while (size.load() == 0) std::this_thread::yield();
    work(t, size.load(), *barrier);
  };
  std::int64_t n = 1;
  try {
    for (; n < wanted; ++n) threads.emplace_back(start, n);
  } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch)
    // Those that have started will do.
  }
  barrier = std::make_unique<Barrier>(n);
  size.store(n);
  start(0);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace fieldfare
