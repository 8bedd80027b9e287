// Tests of failures in the thread team that Python cannot cause. Prints nothing and returns 0 if
// all pass.
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/team.hpp"

namespace {

int failures = 0;

void expect(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "failed: %s\n", what);
  ++failures;
}

// Every phase sees what all members wrote in the phase before.
void members_meet() {
  constexpr std::int64_t rounds = 2000;
  std::vector<std::int64_t> counts(4);
  std::atomic<bool> same{true};
  fieldfare::run_team(4, [&](fieldfare::Member& member) {
    for (std::int64_t round = 1; round <= rounds; ++round) {
      counts[static_cast<std::size_t>(member.number())] = round;
      member.meet();
      for (std::int64_t m = 0; m < member.size(); ++m) {
        if (counts[static_cast<std::size_t>(m)] != round) same = false;
      }
      member.meet();
    }
  });
  expect(same, "members wait for one another");
}

void shares_cover_everything_once() {
  std::vector<std::atomic<int>> visits(101);
  fieldfare::run_team(3, [&](const fieldfare::Member& member) {
    member.share(101, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
    });
  });
  for (const auto& count : visits) expect(count == 1, "each number is in one share");
}

// What member `who` throws before the given meeting reaches the caller, and no member waits
// forever.
template <class Exception, class Make>
void failure_reaches_the_caller(std::int64_t who, std::int64_t meeting, Make make) {
  bool caught = false;
  std::atomic<std::int64_t> finished{0};
  try {
    fieldfare::run_team(4, [&](fieldfare::Member& member) {
      for (std::int64_t m = 0; m < 10; ++m) {
        if (m == meeting && member.number() == who) throw make();
        member.meet();
      }
      ++finished;
    });
  } catch (const Exception& /*exception*/) {
    caught = true;
  }
  expect(caught, "an exception of a member reaches the caller");
  expect(finished == 0, "the others stop at their next meeting");
}

void a_failure_without_meetings_lets_the_others_finish() {
  std::atomic<std::int64_t> finished{0};
  std::string message;
  try {
    fieldfare::run_team(4, [&](const fieldfare::Member& member) {
      if (member.number() == 3) throw std::runtime_error("third");
      ++finished;
    });
  } catch (const std::runtime_error& error) {
    message = error.what();
  }
  expect(message == "third" && finished == 3, "members that need not meet finish");
}

}  // namespace

int main() {
  members_meet();
  shares_cover_everything_once();
  for (std::int64_t repeat = 0; repeat < 200; ++repeat) {
    const std::int64_t who = repeat % 4, meeting = repeat % 10;
    failure_reaches_the_caller<std::bad_alloc>(who, meeting, [] { return std::bad_alloc(); });
    failure_reaches_the_caller<std::runtime_error>(who, meeting,
                                                   [] { return std::runtime_error("stop"); });
    failure_reaches_the_caller<int>(who, meeting, [] { return 7; });
  }
  a_failure_without_meetings_lets_the_others_finish();
  return failures == 0 ? 0 : 1;
}
