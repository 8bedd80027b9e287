// The ranking kernels: one run over pairs of samples for every (model, rule). Compiled once per
// instruction set, under the namespace FIELDFARE_ISA.
#include <cmath>
#include <optional>

#include "gradient/rules.hpp"
#include "gradient/stage.hpp"
#include "isa/kernels.hpp"
#include "models/kinds.hpp"

namespace fieldfare::FIELDFARE_ISA {

namespace {

// Turns the difference of two scores into d loss / d difference and returns the loss.
FIELDFARE_INLINE double loss_of(Loss loss, float& apart) {
  const float z = apart;
  if (loss == Loss::hinge) {
    apart = z < 1 ? -1.0F : 0.0F;
    return z < 1 ? 1.0 - z : 0.0;
  }
  const float e = std::exp(-std::fabs(z));
  apart = (z >= 0 ? -e : -1.0F) / (1.0F + e);
  return static_cast<double>(std::log1p(e)) + (z < 0 ? -z : 0.0F);
}

// The weight of a pair is the geometric mean of those of its rows; 0 means that it is skipped.
FIELDFARE_INLINE float weight_of(const TrainJob& job, const std::int64_t* pair) {
  const float* weight = job.rows->weight;
  return weight == nullptr ? 1.0F : std::sqrt(weight[pair[0]] * weight[pair[1]]);
}

// Places the two samples of a pair in a slot and the next; returns the row that must be refused.
template <class Model>
FIELDFARE_INLINE std::optional<std::int64_t> fill(Stage<Model>& stage, const std::int64_t* pair,
                                                  std::int64_t slot) {
  for (std::int64_t side = 0; side < 2; ++side) {
    if (!stage.fill(pair[side], slot + side)) return pair[side];
    const Fetch fetch = stage.fetch_of(stage.at(pair[side], slot + side));
    for (std::int64_t i = 0; i < fetch.n; ++i) fetch(i);
  }
  return {};
}

// Updates the parameters of one row of a pair, given the slope. The bias cancels and does not
// change.
template <class Model, class Rule, class Training>
FIELDFARE_INLINE void learn(const Training& model, const Staged& sample, float slope) {
  model.template update<Rule>(sample, 0, slope, Fetch{});
  if constexpr (Model::has_pair_weights) model.template move_pair_weights<Rule>(0, slope);
}

// A policy that remembers the sample of a slot.
template <class Training>
FIELDFARE_INLINE Training in_slot(const TrainJob& job, std::int64_t slot) {
  return Training(job, job.work.sums + slot * sum_floats(*job.spec, job.longest),
                  job.work.fields + slot * field_ints(*job.spec, job.longest));
}

// Pair after pair; both samples of a pair are scored before either is updated.
template <class Model, class Training, class Rule>
Outcome epoch(const TrainJob& job) {
  Stage<Model> stage(job);
  auto better = in_slot<Training>(job, 0), worse = in_slot<Training>(job, 1);
  Outcome outcome;
  std::int64_t staged = job.begin;
  const auto slot_of = [&](std::int64_t at) { return 2 * ((at - job.begin) % (job.ahead + 1)); };
  for (std::int64_t at = job.begin; at < job.end; ++at) {
    for (; staged < job.end && staged <= at + job.ahead; ++staged) {
      for (std::int64_t side = 0; side < 2; ++side) stage.fetch(2 * (staged + 8) + side);
      outcome.bad_row = fill(stage, job.order + 2 * staged, slot_of(staged));
      if (outcome.bad_row) return outcome;
    }
    const std::int64_t* pair = job.order + 2 * at;
    const float weight = weight_of(job, pair);
    if (weight == 0) continue;
    const Staged high = stage.at(pair[0], slot_of(at)), low = stage.at(pair[1], slot_of(at) + 1);
    float slope = better.score(high, 0) - worse.score(low, 0);
    outcome.loss += weight * loss_of(job.spec->loss, slope);
    outcome.weight += weight;
    if (slope == 0) continue;
    learn<Model, Rule>(better, high, weight * slope);
    learn<Model, Rule>(worse, low, -weight * slope);
  }
  return outcome;
}

}  // namespace

Outcome train_pairs(const TrainJob& job) {
  return with_model(*job.spec, [&]<class Model>() {
    return Model::with_training(job.layout->padded_factors, [&]<class Training>() {
      return with_rule(*job.spec, [&]<class Rule>() { return epoch<Model, Training, Rule>(job); });
    });
  });
}

}  // namespace fieldfare::FIELDFARE_ISA
