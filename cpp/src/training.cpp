// Training spread over threads: lock-free with private hot rows, or in batches with the same bits
// for any number of threads.
#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "fieldfare/kernels.hpp"
#include "fieldfare/threads.hpp"

namespace fieldfare {

namespace {

// Steps that a thread takes between two merges: few at first, while they are long.
constexpr std::int64_t shortest_round = 64, longest_round = 4096;
constexpr std::int64_t steps_a_batch = 64;
constexpr std::int64_t rows_polled = 1024;  // samples that elect the hot rows
constexpr std::uint32_t nobody = 0xFFFFFFFF;

std::size_t index(std::int64_t n) { return static_cast<std::size_t>(n); }

const Learner& learner_of(const Spec& spec) {
  const Kernels& kernels = kernels_in_use();
  return rows_a_step(spec) == 1 ? kernels.rows : kernels.pairs;
}

// The entries of the row at a place of the order; none if they lie out of bounds, which the kernels
// report.
std::pair<std::int64_t, std::int64_t> entries(const TrainJob& job, std::int64_t at) {
  const std::int64_t row = job.order[at];
  if (row < 0 || row >= job.rows->n_rows) return {0, 0};
  const std::int64_t begin = job.rows->indptr[row], end = job.rows->indptr[row + 1];
  if (begin < 0 || begin > end || end > job.rows->n_entries) return {0, 0};
  return {begin, end};
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

// Memory that shares no cache line with anything else: what two threads write must not.
template <class T>
class Lines {
 public:
  explicit Lines(std::int64_t n) : memory_(index(n) * sizeof(T) + 128) {
    auto at = reinterpret_cast<std::uintptr_t>(memory_.data());
    first_ = reinterpret_cast<T*>(memory_.data() + (64 - at % 64));
  }
  T* data() const { return first_; }

 private:
  std::vector<std::byte> memory_;
  T* first_;
};

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

// For every bucket the feature that is met most often in it, if it is met often at all. In one pass
// each bucket finds the id that may have the majority (Boyer & Moore 1991), in a second pass the
// found are counted.
std::vector<std::uint32_t> elect(const TrainJob& job) {
  std::vector<std::uint32_t> elected(HotRows::buckets, nobody), votes(HotRows::buckets, 0);
  const std::int64_t width = rows_a_step(*job.spec), rows = (job.end - job.begin) * width;
  // Odd, so that both sides of pairs have a say.
  const std::int64_t step = (rows + rows_polled - 1) / rows_polled | 1;
  std::int64_t polled = 0;
  const auto poll = [&](auto&& see) {
    polled = 0;
    for (std::int64_t at = job.begin * width; at < job.end * width; at += step, ++polled) {
      const auto [begin, end] = entries(job, at);
      for (std::int64_t p = begin; p < end; ++p) {
        const std::uint32_t id = job.rows->indices[p];
        if (id < job.n_features) see(id, HotRows::bucket(id));
      }
    }
  };
  poll([&](std::uint32_t id, std::uint32_t bucket) {
    if (votes[bucket] == 0) elected[bucket] = id;
    votes[bucket] += elected[bucket] == id ? 1U : ~0U;
  });
  std::fill(votes.begin(), votes.end(), 0);
  poll([&](std::uint32_t id, std::uint32_t bucket) { votes[bucket] += elected[bucket] == id; });
  for (std::size_t b = 0; b < elected.size(); ++b) {
    if (std::int64_t{votes[b]} * 512 < polled) elected[b] = nobody;
  }
  return elected;
}

// The private parts of the threads: hot rows, and the parameters that every sample moves.
class Replicas {
 public:
  Replicas(const TrainJob& job, std::int64_t n_threads)
      : job_(job),
        n_threads_(n_threads),
        in_bucket_(elect(job)),
        shared_floats_(job.spec->n_outputs * job.layout->shared) {
    for (std::size_t b = 0; b < in_bucket_.size(); ++b) {
      if (in_bucket_[b] != nobody)
        elected_.push_back({in_bucket_[b], static_cast<std::int64_t>(b)});
    }
    hot_.reserve(index(n_threads));
    for (std::int64_t t = 0; t < n_threads; ++t) {
      // Only the rows of the elected are ever touched, and so take memory.
      rows_.emplace_back(new float[index(HotRows::buckets * job.layout->stride + 32)]);
      hot_.push_back(rows_.back().get());
      while (reinterpret_cast<std::uintptr_t>(hot_.back()) % 64 != 0) ++hot_.back();
      std::copy_n(job.shared, shared_floats_, shared_.emplace_back(shared_floats_).data());
    }
    for (const Elected& row : elected_) copy_out(row);
  }

  void lend(TrainJob& part, std::int64_t t) {
    part.hot = {in_bucket_.data(), hot_[index(t)]};
    part.shared = shared_[index(t)].data();
  }

  // Brings together what the threads have learned apart: the sum, as if they had taken turns. Each
  // thread does a part of the rows.
  void merge(std::int64_t part, std::int64_t parts) {
    const std::int64_t stride = job_.layout->stride;
    const auto n = static_cast<std::int64_t>(elected_.size());
    for (std::int64_t i = n * part / parts; i < n * (part + 1) / parts; ++i) {
      const Elected& row = elected_[index(i)];
      add_up(
          job_.table + row.id * stride,
          [&](std::int64_t t) { return hot_[index(t)] + row.bucket * stride; }, job_.layout->used);
      copy_out(row);
    }
    if (part == 0) merge_shared();
  }

 private:
  struct Elected {
    std::uint32_t id;
    std::int64_t bucket;
  };

  void copy_out(const Elected& row) {
    const std::int64_t stride = job_.layout->stride;
    for (float* hot : hot_) {
      std::copy_n(job_.table + row.id * stride, stride, hot + row.bucket * stride);
    }
  }

  template <class Replica>
  void add_up(float* own, Replica replica, std::int64_t n) {
    for (std::int64_t d = 0; d < n; ++d) {
      float moved = 0;
      for (std::int64_t t = 0; t < n_threads_; ++t) moved += replica(t)[d] - own[d];
      own[d] += moved;
    }
  }

  void merge_shared() {
    add_up(job_.shared, [&](std::int64_t t) { return shared_[index(t)].data(); }, shared_floats_);
    for (const Lines<float>& own : shared_) std::copy_n(job_.shared, shared_floats_, own.data());
  }

  const TrainJob& job_;
  std::int64_t n_threads_;
  std::vector<std::uint32_t> in_bucket_;  // or nobody
  std::vector<Elected> elected_;
  std::int64_t shared_floats_;
  std::vector<std::unique_ptr<float[]>> rows_;
  std::vector<float*> hot_;  // where a cache line begins in each of them
  std::vector<Lines<float>> shared_;
};

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
  run_together(n_threads, [&](std::int64_t t, std::int64_t n, Barrier& barrier) {
    TrainJob part = job;
    part.work = rooms[index(t)].work;
    replicas.lend(part, t);
    std::int64_t size = shortest_round;
    for (std::int64_t begin = job.begin; begin < job.end;
         size = std::min(2 * size, longest_round)) {
      const std::int64_t steps = std::min(job.end - begin, size * n);
      part.begin = begin + steps * t / n;
      part.end = begin + steps * (t + 1) / n;
      const Outcome learned = learner.train(part);
      outcomes[index(t)].loss += learned.loss;
      outcomes[index(t)].weight += learned.weight;
      outcomes[index(t)].bad_row = learned.bad_row;
      barrier.wait();
      replicas.merge(t, n);
      const bool bad = std::any_of(outcomes.begin(), outcomes.end(),
                                   [](const Outcome& o) { return o.bad_row.has_value(); });
      barrier.wait();
      if (bad) return;
      begin += steps;
    }
  });
  Outcome outcome;
  for (const Outcome& part : outcomes) {
    outcome.loss += part.loss;
    outcome.weight += part.weight;
    if (!outcome.bad_row) outcome.bad_row = part.bad_row;
  }
  return outcome;
}

// Batches of steps, scored with the same parameters and then spent in order, each row of the
// table by one thread: how many threads there are changes nothing.
Outcome train_in_batches(const TrainJob& job, std::int64_t n_threads) {
  const Learner& learner = learner_of(*job.spec);
  Room room(job, steps_a_batch);
  double losses[steps_a_batch] = {}, weights[steps_a_batch] = {};
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
    for (std::int64_t begin = job.begin; begin < job.end; begin += steps_a_batch) {
      batch.job.begin = begin;
      batch.job.end = std::min(job.end, begin + steps_a_batch);
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
  // FTRL's z holds its weights too: what several threads have moved it does not add up.
  const bool in_batches = deterministic || (n_threads > 1 && job.spec->rule == Rule::ftrl);
  return in_batches ? train_in_batches(job, n_threads) : train_lock_free(job, n_threads);
}

}  // namespace fieldfare
