// Training, on one thread or spread over several without locks.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <vector>

#include "fieldfare/kernels.hpp"
#include "fieldfare/replicas.hpp"
#include "fieldfare/threads.hpp"
#include "fieldfare/tiny.hpp"

namespace fieldfare {

namespace {

// Steps of all threads between two merges: few at first, while they are long.
constexpr std::int64_t shortest_round = 256;

// Where many parameters have come to the optimum together, two threads at worst overshoot as far as
// they had to go, and more of them further: see Replicas::add_up.
std::int64_t longest_round(std::int64_t n_threads) {
  return n_threads <= 2 ? 32768 : std::max<std::int64_t>(512, 8192 / n_threads);
}

std::size_t index(std::int64_t n) { return static_cast<std::size_t>(n); }

auto kernel_for(const Spec& spec) {
  const Kernels& kernels = kernels_in_use();
  return rows_a_step(spec) == 1 ? kernels.train : kernels.train_pairs;
}

// Fills in what follows from the lengths of the rows.
void measure(TrainJob& job) {
  std::int64_t total = 0;
  const std::int64_t width = rows_a_step(*job.spec);
  for (std::int64_t at = job.begin * width; at < job.end * width; ++at) {
    const auto [begin, end] = entries(job, at);
    job.longest = std::max(job.longest, end - begin);
    total += end - begin;
  }
  job.longest = whole_fours(job.longest);
  job.most_fields = std::min(job.longest, job.spec->n_fields);
  // Rows of the table are asked for while a sample is learned from, about forty before their use.
  const std::int64_t mean = (total + job.end - job.begin - 1) / (job.end - job.begin);
  job.ahead = 1 + std::clamp<std::int64_t>(40 / std::max<std::int64_t>(mean, 1), 1, 16);
}

// Rows of no feature: they fill up a group of four, and are written like any other.
class Nobody {
 public:
  explicit Nobody(const TrainJob& job) : floats_(4 * job.layout->stride), rows_(4) {
    std::fill_n(floats_.data(), 4 * job.layout->stride, 1.0F);
    for (std::int64_t e = 0; e < 4; ++e) rows_.data()[e] = floats_.data() + e * job.layout->stride;
  }
  float* const* rows() const { return rows_.data(); }

 private:
  Lines<float> floats_;
  Lines<float*> rows_;
};

// A workspace and the memory behind it.
struct Room {
  Workspace work;

  Room(const TrainJob& job, std::int64_t steps) : Room(steps * rows_a_step(*job.spec), job) {}

 private:
  Room(std::int64_t slots, const TrainJob& job)
      : rows_(slots * job.longest),
        x_(slots * job.longest),
        scores_(slots * job.spec->n_outputs),
        sums_(slots * sum_floats(*job.spec, job.longest)),
        spare_(sum_floats(*job.spec, job.longest)),
        fields_(slots * field_ints(*job.spec, job.longest)),
        nobody_(job) {
    work = {rows_.data(),  x_.data(),      scores_.data(), sums_.data(),
            spare_.data(), fields_.data(), nobody_.rows()};
  }

  Lines<float*> rows_;
  Lines<float> x_, scores_, sums_, spare_;
  Lines<std::int32_t> fields_;
  Nobody nobody_;
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
  job.work = room.work;
  return kernel_for(*job.spec)(job);
}

// The table is shared without locks (Hogwild: Niu et al. 2011), but for the rows that every thread
// would write all the time.
Outcome train_together(const TrainJob& job, std::int64_t n_threads) {
  const auto kernel = kernel_for(*job.spec);
  Replicas replicas(job, n_threads);
  std::vector<Room> rooms;
  rooms.reserve(index(n_threads));
  for (std::int64_t t = 0; t < n_threads; ++t) rooms.emplace_back(job, job.ahead + 1);
  std::vector<Outcome> outcomes(index(n_threads));
  std::atomic<std::int64_t> next{job.begin};
  run_together(n_threads, [&](std::int64_t t, std::int64_t n, Barrier& barrier) {
    const FlushTiny flush;
    TrainJob part = job;
    part.work = rooms[index(t)].work;
    replicas.lend(part, t);
    Outcome& outcome = outcomes[index(t)];
    Outcome before;  // of all threads, when they last met
    std::int64_t size = shortest_round;
    for (std::int64_t begin = job.begin; begin < job.end;
         size = std::min(2 * size, longest_round(n))) {
      const std::int64_t end = std::min(job.end, begin + size);
      // Taken in pieces: a thread that another program holds up must not be waited for.
      const std::int64_t piece = (size + 8 * n - 1) / (8 * n);
      while (!outcome.bad_row && (part.begin = next.fetch_add(piece)) < end) {
        part.end = std::min(end, part.begin + piece);
        add(outcome, kernel(part));
      }
      barrier.wait();
      const Outcome all = total(outcomes);
      replicas.merge(t, n, {all.loss - before.loss, all.weight - before.weight, {}});
      if (t == 0) next.store(end);
      barrier.wait();
      if (all.bad_row) return;
      before = all;
      begin = end;
    }
  });
  return total(outcomes);
}

}  // namespace

Outcome train(const TrainJob& whole, std::int64_t n_threads) {
  if (whole.begin >= whole.end) return {};
  TrainJob job = whole;
  measure(job);
  n_threads = std::clamp<std::int64_t>(n_threads, 1, job.end - job.begin);
  // SGD and FTRL keep nothing that would say how far threads have come that learned apart.
  const Rule rule = job.spec->rule;
  const bool apart = rule == Rule::adagrad || rule == Rule::rowwise_adagrad;
  const bool alone = n_threads == 1 || !apart;
  return alone ? train_alone(job) : train_together(job, n_threads);
}

}  // namespace fieldfare
