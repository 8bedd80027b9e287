// Training, on one thread or spread over several without locks.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <vector>

#include "common/flush_tiny.hpp"
#include "common/lines.hpp"
#include "common/team.hpp"
#include "gradient/job.hpp"
#include "gradient/replicas.hpp"
#include "isa/isa.hpp"

namespace fieldfare {

namespace {

// Steps of all threads between two merges: few at first, while steps are long.
constexpr std::int64_t shortest_round = 256;

// If many parameters reach the optimum together, two threads overshoot at worst by the distance
// they had to go, and more threads by more: see Replicas::add_up.
std::int64_t longest_round(std::int64_t n_threads) {
  return n_threads <= 2 ? 32768 : std::max<std::int64_t>(512, 8192 / n_threads);
}

std::size_t index(std::int64_t n) { return static_cast<std::size_t>(n); }

auto kernel_for(const Spec& spec) {
  return is_of_pairs(spec.loss) ? isa().train_pairs : isa().train_rows;
}

// Computes what depends on the lengths of the rows.
void measure(TrainJob& job) {
  std::int64_t total = 0;
  const std::int64_t width = rows_per_step(*job.spec);
  for (std::int64_t at = job.begin * width; at < job.end * width; ++at) {
    const auto [begin, end] = entries(job, at);
    job.longest = std::max(job.longest, end - begin);
    total += end - begin;
  }
  job.longest = whole_fours(job.longest);
  job.most_fields = std::min(job.longest, job.spec->n_fields);
  // While a sample is learned from, rows of the table are prefetched about forty rows ahead.
  const std::int64_t mean = (total + job.end - job.begin - 1) / (job.end - job.begin);
  job.ahead = 1 + std::clamp<std::int64_t>(40 / std::max<std::int64_t>(mean, 1), 1, 16);
}

// Rows of no feature, initially ones, which complete a group of four and are written like any
// other.
class PaddingRows {
 public:
  explicit PaddingRows(const TrainJob& job) : floats_(4 * job.layout->stride), rows_(4) {
    std::fill_n(floats_.data(), 4 * job.layout->stride, 1.0F);
    for (std::int64_t e = 0; e < 4; ++e) rows_.data()[e] = floats_.data() + e * job.layout->stride;
  }
  // A copy would point into the memory of the original.
  PaddingRows(const PaddingRows&) = delete;
  PaddingRows& operator=(const PaddingRows&) = delete;
  PaddingRows(PaddingRows&&) = default;
  PaddingRows& operator=(PaddingRows&&) = default;
  ~PaddingRows() = default;

  float* const* rows() { return rows_.data(); }

 private:
  Lines<float> floats_;
  Lines<float*> rows_;
};

// A workspace and the memory behind it.
class Room {
 public:
  Room(const TrainJob& job, std::int64_t steps) : Room(steps * rows_per_step(*job.spec), job) {}
  // A copy would point into the memory of the original.
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  Room(Room&&) = default;
  Room& operator=(Room&&) = default;
  ~Room() = default;

  const Workspace& workspace() const { return workspace_; }

 private:
  Room(std::int64_t slots, const TrainJob& job)
      : rows_(slots * job.longest),
        x_(slots * job.longest),
        scores_(slots * job.spec->n_outputs),
        sums_(slots * sum_floats(*job.spec, job.longest)),
        spare_(sum_floats(*job.spec, job.longest)),
        fields_(slots * field_ints(*job.spec, job.longest)),
        padding_(job) {
    workspace_ = {rows_.data(),  x_.data(),      scores_.data(), sums_.data(),
                  spare_.data(), fields_.data(), padding_.rows()};
  }

  Workspace workspace_;
  Lines<float*> rows_;
  Lines<float> x_, scores_, sums_, spare_;
  Lines<std::int32_t> fields_;
  PaddingRows padding_;
};

void add(Outcome& all, const Outcome& part) {
  all.loss += part.loss;
  all.weight += part.weight;
  if (!all.bad_row) all.bad_row = part.bad_row;
}

Outcome total(const std::vector<Outcome>& parts) {
  Outcome all;
  for (const Outcome& part : parts) add(all, part);
  return all;
}

Outcome train_alone(TrainJob job) {
  const FlushTiny flush;
  const Room room(job, job.ahead + 1);
  job.work = room.workspace();
  return kernel_for(*job.spec)(job);
}

// The table is shared without locks (Hogwild: Niu et al. 2011), except for the rows that every
// thread would write all the time. Its weights are plain floats, which is formally a data race.
// std::atomic_ref would remove it, but only float by float, while the kernels load and store eight
// at once. Processors read and write an aligned float as a whole, so at worst an update is lost.
class TrainingTeam {
 public:
  TrainingTeam(const TrainJob& job, std::int64_t n_threads)
      : job_(job),
        kernel_(kernel_for(*job.spec)),
        replicas_(job, n_threads),
        outcomes_(index(n_threads)),
        next_(job.begin) {
    rooms_.reserve(index(n_threads));
    for (std::int64_t t = 0; t < n_threads; ++t) rooms_.emplace_back(job, job.ahead + 1);
  }

  Outcome run() {
    run_team(std::ssize(rooms_), [&](Member& member) { learn(member); });
    return total(outcomes_);
  }

 private:
  void learn(Member& member) {
    const FlushTiny flush;
    const std::int64_t n = member.size();
    TrainJob own = job_;
    own.work = rooms_[index(member.number())].workspace();
    replicas_.lend(own, member.number());
    Outcome before;  // of all threads, when they last met
    std::int64_t size = shortest_round;
    for (std::int64_t begin = job_.begin; begin < job_.end;
         size = std::min(2 * size, longest_round(n))) {
      const std::int64_t end = std::min(job_.end, begin + size);
      // Taken in pieces, so that no thread waits for one that another program holds up.
      take_pieces(own, outcomes_[index(member.number())], end, (size + 8 * n - 1) / (8 * n));
      member.meet();
      const Outcome all = total(outcomes_);
      replicas_.merge(member, {all.loss - before.loss, all.weight - before.weight, {}});
      if (member.first()) next_.store(end);
      member.meet();
      if (all.bad_row) return;
      before = all;
      begin = end;
    }
  }

  // Learns from steps before `end` that no other thread has taken, a piece at a time.
  void take_pieces(TrainJob& own, Outcome& outcome, std::int64_t end, std::int64_t piece) {
    while (!outcome.bad_row && (own.begin = next_.fetch_add(piece)) < end) {
      own.end = std::min(end, own.begin + piece);
      add(outcome, kernel_(own));
    }
  }

  const TrainJob& job_;
  Outcome (*kernel_)(const TrainJob&);
  Replicas replicas_;
  std::vector<Room> rooms_;
  std::vector<Outcome> outcomes_;
  std::atomic<std::int64_t> next_;  // step that no thread has taken yet
};

}  // namespace

Outcome train(const TrainJob& whole, std::int64_t n_threads) {
  if (whole.begin >= whole.end) return {};
  TrainJob job = whole;
  measure(job);
  n_threads = std::clamp<std::int64_t>(n_threads, 1, job.end - job.begin);
  // The state of other rules does not tell how far threads that learn separately have come.
  if (n_threads == 1 || !job.layout->sums_squares) return train_alone(job);
  return TrainingTeam(job, n_threads).run();
}

}  // namespace fieldfare
