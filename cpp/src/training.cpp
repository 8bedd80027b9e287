// Training spread over threads: lock-free with private hot rows, or in batches with the same bits
// for any number of threads.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <vector>

#include "fieldfare/kernels.hpp"
#include "fieldfare/replicas.hpp"
#include "fieldfare/threads.hpp"

namespace fieldfare {

namespace {

// Steps of all threads between two merges: few at first, while they are long.
constexpr std::int64_t shortest_round = 1024;
constexpr std::int64_t longest_batch = 64;  // steps
constexpr std::int64_t rows_measured = 1024;

// Two threads at worst overshoot as far as they had to go, more go further: see Replicas::add_up.
std::int64_t longest_round(std::int64_t n_threads) {
  return 16384 / std::clamp<std::int64_t>(n_threads, 2, 4);
}

std::size_t index(std::int64_t n) { return static_cast<std::size_t>(n); }

const Learner& learner_of(const Spec& spec) {
  const Kernels& kernels = kernels_in_use();
  return rows_a_step(spec) == 1 ? kernels.rows : kernels.pairs;
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

// Steps that may be taken at once. Those of AdaGrad and FTRL soon get small by themselves; those of
// SGD may not together go further than to the minimum, whatever the curvature.
std::int64_t steps_a_batch(const TrainJob& job) {
  const Spec& spec = *job.spec;
  if (spec.rule != Rule::sgd) return longest_batch;
  double squares = 0, rows = 0;
  const std::int64_t width = rows_a_step(spec), n = (job.end - job.begin) * width;
  const std::int64_t stride = (n + rows_measured - 1) / rows_measured;
  for (std::int64_t at = job.begin * width; at < job.end * width; at += stride, ++rows) {
    const auto [begin, end] = entries(job, at);
    squares += 1;  // the bias
    if (spec.instance_norm) squares += 1;
    for (std::int64_t p = begin; !spec.instance_norm && p < end; ++p) {
      const double value = job.rows->values == nullptr ? 1.0F : job.rows->values[p];
      squares += value * value;
    }
  }
  const double curvature = spec.loss == Loss::squared || spec.loss == Loss::hinge ? 1 : 0.25;
  const double rate = std::max({spec.bias.learning_rate, spec.weights.learning_rate,
                                spec.factors.learning_rate, spec.pairs.learning_rate});
  const double steps = rows / (rate * curvature * squares);
  return steps < longest_batch ? std::max<std::int64_t>(1, static_cast<std::int64_t>(steps))
                               : longest_batch;
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

// The table is shared without locks (Hogwild: Niu et al. 2011), but for the rows that every thread
// would write all the time.
Outcome train_lock_free(const TrainJob& job, std::int64_t n_threads) {
  const Learner& learner = learner_of(*job.spec);
  if (n_threads == 1) {
    Room room(job, job.ahead + 1);
    TrainJob alone = job;
    alone.work = room.work;
    return learner.train(alone);
  }
  Replicas replicas(job, n_threads);
  std::vector<Room> rooms;
  rooms.reserve(index(n_threads));
  for (std::int64_t t = 0; t < n_threads; ++t) rooms.emplace_back(job, job.ahead + 1);
  std::vector<Outcome> outcomes(index(n_threads));
  std::atomic<std::int64_t> next{job.begin};
  run_together(n_threads, [&](std::int64_t t, std::int64_t n, Barrier& barrier) {
    TrainJob part = job;
    part.work = rooms[index(t)].work;
    replicas.lend(part, t);
    Outcome& outcome = outcomes[index(t)];
    std::int64_t size = shortest_round;
    for (std::int64_t begin = job.begin; begin < job.end;
         size = std::min(2 * size, longest_round(n))) {
      const std::int64_t end = std::min(job.end, begin + size);
      // Taken in pieces: a thread that another program holds up must not be waited for.
      const std::int64_t piece = (size + 8 * n - 1) / (8 * n);
      while (!outcome.bad_row && (part.begin = next.fetch_add(piece)) < end) {
        part.end = std::min(end, part.begin + piece);
        add(outcome, learner.train(part));
      }
      barrier.wait();
      const Outcome learned = total(outcomes);
      replicas.merge(t, n, learned);
      if (t == 0) next.store(end);
      barrier.wait();
      if (learned.bad_row) return;
      begin = end;
    }
  });
  return total(outcomes);
}

// Batches of steps, scored with the same parameters and then spent in order, each row of the
// table by one thread: how many threads there are changes nothing.
Outcome train_in_batches(const TrainJob& job, std::int64_t n_threads) {
  const Learner& learner = learner_of(*job.spec);
  const std::int64_t steps = steps_a_batch(job);
  if (steps < longest_batch / 4) n_threads = 1;  // there is too little to share
  Room room(job, steps);
  double losses[longest_batch] = {}, weights[longest_batch] = {};
  Outcome outcome;
  std::vector<std::optional<std::int64_t>> bad_rows(index(n_threads));
  std::vector<Lines<float>> spares;  // all else is written by one thread, then read
  std::vector<Nobody> nobodies;
  spares.reserve(index(n_threads));
  nobodies.reserve(index(n_threads));
  for (std::int64_t t = 0; t < n_threads; ++t) {
    spares.emplace_back(sum_floats(*job.spec, job.longest));
    nobodies.emplace_back(job);
  }
  run_together(n_threads, [&](std::int64_t t, std::int64_t n, Barrier& barrier) {
    BatchJob batch{job, losses, weights};
    batch.job.work = room.work;
    batch.job.work.spare = spares[index(t)].data();
    batch.job.work.nobody = nobodies[index(t)].rows();
    for (std::int64_t begin = job.begin; begin < job.end; begin += steps) {
      batch.job.begin = begin;
      batch.job.end = std::min(job.end, begin + steps);
      bad_rows[index(t)] = learner.gather(batch, t, n);
      barrier.wait();
      const auto bad = std::find_if(bad_rows.begin(), bad_rows.end(),
                                    [](const auto& row) { return row.has_value(); });
      if (bad != bad_rows.end()) {
        if (t == 0) outcome.bad_row = *bad;
        return;
      }
      for (std::int64_t s = 0; t == 0 && s < batch.job.end - begin; ++s) {
        if (weights[s] == 0) continue;
        outcome.loss += losses[s];
        outcome.weight += weights[s];
      }
      learner.apply(batch, t, n);
      barrier.wait();
    }
  });
  return outcome;
}

}  // namespace

Outcome train(const TrainJob& whole, std::int64_t n_threads, bool deterministic) {
  if (whole.begin >= whole.end) return {};
  TrainJob job = whole;
  measure(job);
  n_threads = std::clamp<std::int64_t>(n_threads, 1, job.end - job.begin);
  // FTRL's z holds its weights too: what several threads have moved it does not add up. SGD has
  // nothing that would say how far each of them has come.
  const Rule rule = job.spec->rule;
  const bool apart = rule == Rule::adagrad || rule == Rule::rowwise_adagrad;
  const bool in_batches = deterministic || (n_threads > 1 && !apart);
  return in_batches ? train_in_batches(job, n_threads) : train_lock_free(job, n_threads);
}

}  // namespace fieldfare
