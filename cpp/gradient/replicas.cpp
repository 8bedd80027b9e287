// Threads that learn separately for a while: which rows are private to each, and how they are
// merged.
#include "gradient/replicas.hpp"

#include <algorithm>
#include <cmath>

namespace fieldfare {

namespace {

constexpr std::int64_t rows_polled = 1024;  // samples that elect the hot rows
constexpr std::uint32_t no_feature = 0xFFFFFFFF;

std::size_t index(std::int64_t n) { return static_cast<std::size_t>(n); }

}  // namespace

std::pair<std::int64_t, std::int64_t> entries(const TrainJob& job, std::int64_t at) {
  const std::int64_t row = job.order[at];
  if (row < 0 || row >= job.rows->n_rows) return {0, 0};
  const std::int64_t begin = job.rows->indptr[row], end = job.rows->indptr[row + 1];
  if (begin < 0 || begin > end || end > job.rows->n_entries) return {0, 0};
  return {begin, end};
}

Replicas::Replicas(const TrainJob& job, std::int64_t n_threads)
    : job_(job),
      n_threads_(n_threads),
      in_bucket_(HotRows::buckets, no_feature),
      shared_floats_(job.spec->n_outputs * job.layout->shared) {
  elect();
  hot_.reserve(index(n_threads));
  for (std::int64_t t = 0; t < n_threads; ++t) {
    // Only the rows of the elected features are ever touched, so only they take memory.
    rows_.emplace_back(new float[index(HotRows::buckets * job.layout->stride + 32)]);
    hot_.push_back(rows_.back().get());
    while (reinterpret_cast<std::uintptr_t>(hot_.back()) % cache_line != 0) ++hot_.back();
    std::copy_n(job.shared, shared_floats_, shared_.emplace_back(shared_floats_).data());
  }
  for (const Elected& row : elected_) copy_out(row);
}

void Replicas::lend(TrainJob& job, std::int64_t t) {
  job.hot = {in_bucket_.data(), hot_[index(t)]};
  job.shared = shared_[index(t)].data();
}

// For every bucket the feature that occurs most often in it, if it is frequent at all. A first pass
// finds the only id that can have the majority in each bucket (Boyer & Moore 1991), a second pass
// counts these ids.
void Replicas::elect() {
  std::vector<std::uint32_t> votes(index(HotRows::buckets), 0);
  const std::int64_t width = rows_per_step(*job_.spec), rows = (job_.end - job_.begin) * width;
  // Odd, so that both sides of pairs are counted.
  const std::int64_t step = (rows + rows_polled - 1) / rows_polled | 1;
  std::int64_t polled = 0;
  const auto poll = [&](auto&& see) {
    polled = 0;
    for (std::int64_t at = job_.begin * width; at < job_.end * width; at += step, ++polled) {
      const auto [begin, end] = entries(job_, at);
      for (std::int64_t p = begin; p < end; ++p) {
        const std::uint32_t id = job_.rows->indices[p];
        if (id < job_.n_features) see(id, HotRows::bucket(id));
      }
    }
  };
  poll([&](std::uint32_t id, std::uint32_t bucket) {
    if (votes[bucket] == 0) in_bucket_[bucket] = id;
    votes[bucket] += in_bucket_[bucket] == id ? 1U : ~0U;
  });
  std::fill(votes.begin(), votes.end(), 0);
  poll([&](std::uint32_t id, std::uint32_t bucket) { votes[bucket] += in_bucket_[bucket] == id; });
  for (std::int64_t b = 0; b < HotRows::buckets; ++b) {
    std::uint32_t& id = in_bucket_[index(b)];
    if (std::int64_t{votes[index(b)]} * 512 < polled) id = no_feature;
    if (id != no_feature) elected_.push_back({id, b});
  }
}

void Replicas::copy_out(const Elected& row) {
  const std::int64_t stride = job_.layout->stride;
  for (float* hot : hot_) {
    std::copy_n(job_.table + row.id * stride, stride, hot + row.bucket * stride);
  }
}

void Replicas::merge(const Member& member, const Outcome& learned) {
  // By Fisher's identity the two are equal on average if the loss is a negative log likelihood; the
  // squared loss is that of a normal distribution whose variance is the mean loss.
  const bool squared = job_.spec->loss == Loss::squared && learned.loss > 0;
  const auto per_square = static_cast<float>(squared ? learned.weight / learned.loss : 1);
  member.share(std::ssize(elected_), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      merge_row(elected_[index(i)], per_square);
      copy_out(elected_[index(i)]);
    }
  });
  if (member.first()) merge_shared(per_square);
}

void Replicas::merge_row(const Elected& row, float per_square) {
  const Layout& layout = *job_.layout;
  const auto replica = [&](std::int64_t t) { return hot_[index(t)] + row.bucket * layout.stride; };
  float* own = job_.table + row.id * layout.stride;
  for (std::int64_t c = 0; c < job_.spec->n_outputs; ++c) {
    const std::int64_t at = c * layout.output_stride, weight = at + layout.weight;
    add_up(own, replica,
           {at, at + layout.factor_state, at + layout.factor_state, weight,
            job_.spec->factors.learning_rate},
           per_square);
    if (!job_.spec->linear) continue;
    add_up(own, replica,
           {weight, weight + 1, weight + 1, weight + 1 + layout.slots,
            job_.spec->weights.learning_rate},
           per_square);
  }
}

void Replicas::merge_shared(float per_square) {
  const Layout& layout = *job_.layout;
  const auto replica = [&](std::int64_t t) { return shared_[index(t)].data(); };
  for (std::int64_t d = 0; d < shared_floats_; d += 1 + layout.slots) {
    const Rates& rates = d % layout.shared == 0 ? job_.spec->bias : job_.spec->pairs;
    add_up(job_.shared, replica, {d, d + 1, d + 1, d + 1 + layout.slots, rates.learning_rate},
           per_square);
  }
  for (Lines<float>& own : shared_) std::copy_n(job_.shared, shared_floats_, own.data());
}

// Gradient descent goes from w to w* exponentially: after steps whose sizes, times the
// curvature, add up to k, it has covered 1 - exp(-k) of the way. Threads that each covered 1 -
// exp(-k_t) on their own would have covered 1 - exp(-sum of k_t) by taking turns, so this is what
// their moves are made to add up to: the plain sum while all are far from the optimum, and the mean
// once each of them has reached it. There a sum would overshoot, and diverge with three threads or
// more.
// AdaGrad's steps are learning_rate / sqrt(sum of g^2), so k is the integral of that over the sum,
// times per_square: the curvature of the loss by the weight over g^2.
template <class Replica>
void Replicas::add_up(float* own, Replica replica, const Group& group, float per_square) const {
  if (group.begin == group.end) return;
  float before = 0, all = 0, apart = 0;
  for (std::int64_t d = group.state; d < group.state_end; ++d) before += own[d];
  const float share = 1 / static_cast<float>(group.state_end - group.state);
  // The share of the way that is covered once the squared gradients add up to this sum.
  const auto gone = [&](float met) {
    const float roots = std::sqrt(share * (before + met)) - std::sqrt(share * before);
    return -std::expm1(-2 * group.learning_rate * per_square * roots);
  };
  for (std::int64_t t = 0; t < n_threads_; ++t) {
    float met = -before;
    for (std::int64_t d = group.state; d < group.state_end; ++d) met += replica(t)[d];
    all += met;
    apart += gone(met);
  }
  const float factor = apart > 0 ? gone(all) / apart : 1;
  for (std::int64_t d = group.begin; d < group.state_end; ++d) {
    float moved = 0;
    for (std::int64_t t = 0; t < n_threads_; ++t) moved += replica(t)[d] - own[d];
    own[d] += d < group.end ? factor * moved : moved;
  }
}

}  // namespace fieldfare
