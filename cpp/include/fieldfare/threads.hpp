// Work done by several threads at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <system_error>
#include <thread>
#include <vector>

namespace fieldfare {

// Lets threads wait for one another. The waits are short, a few samples long: they spin.
class Barrier {
 public:
  void set_size(std::int64_t n) { n_.store(n); }
  std::int64_t size() const { return n_.load(); }

  void wait() {
    const std::int64_t turn = turn_.load();
    if (arrived_.fetch_add(1) + 1 == n_.load()) {
      arrived_.store(0);
      turn_.store(turn + 1);
      return;
    }
    for (std::int64_t spins = 0; turn_.load() == turn; ++spins) {
      if (spins > 4096) std::this_thread::yield();
    }
  }

 private:
  std::atomic<std::int64_t> n_{0}, arrived_{0}, turn_{0};
};

// Calls work(t, n, barrier) on n threads that may wait for one another: as many as are wanted and can
// be had. Nothing may be thrown by `work`: the other threads would wait in vain.
template <class Work>
void run_together(std::int64_t wanted, Work work) {
  Barrier barrier;
  const auto start = [&](std::int64_t t) noexcept {
    while (barrier.size() == 0) std::this_thread::yield();
    work(t, barrier.size(), barrier);
  };
  std::vector<std::thread> threads;
  if (wanted > 1) threads.reserve(static_cast<std::size_t>(wanted - 1));
  std::int64_t n = 1;
  try {
    for (; n < wanted; ++n) threads.emplace_back(start, n);
  } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch)
    // Those that have started will do.
  }
  barrier.set_size(n);
  start(0);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace fieldfare
