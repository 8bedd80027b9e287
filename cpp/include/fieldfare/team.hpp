// A team of threads that go through the same phases of a job together.
#pragma once

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cstdint>
#include <memory>
#include <system_error>
#include <thread>
#include <vector>

namespace fieldfare {

class Member {
 public:
  Member(std::int64_t number, std::int64_t size, std::barrier<>& barrier)
      : number_(number), size_(size), barrier_(barrier) {}

  std::int64_t number() const { return number_; }
  bool first() const { return number_ == 0; }

  // Waits until every member has come here.
  void meet() {
    if (size_ > 1) barrier_.arrive_and_wait();
  }

  // Calls work(begin, end) with this member's share of [0, n).
  template <class Work>
  void share(std::int64_t n, Work work) const {
    const std::int64_t begin = n * number_ / size_, end = n * (number_ + 1) / size_;
    if (begin < end) work(begin, end);
  }

 private:
  std::int64_t number_, size_;
  std::barrier<>& barrier_;
};

// Calls work(member) on `wanted` threads, or on as many as there are to be had. Work must not
// throw: what it needs is allocated before.
template <class Work>
void run_team(std::int64_t wanted, const Work& work) {
  std::atomic<std::int64_t> size{0};  // 0: not known yet
  std::unique_ptr<std::barrier<>> barrier;
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(std::max<std::int64_t>(wanted - 1, 0)));
  const auto join_in = [&](std::int64_t number) noexcept {
    size.wait(0);
    Member member(number, size, *barrier);
    work(member);
  };
  try {
    for (std::int64_t t = 1; t < wanted; ++t) threads.emplace_back(join_in, t);
  } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch)
    // The threads there are share the work.
  }
  const auto found = static_cast<std::int64_t>(threads.size()) + 1;
  barrier = std::make_unique<std::barrier<>>(found);
  size = found;
  size.notify_all();
  join_in(0);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace fieldfare
