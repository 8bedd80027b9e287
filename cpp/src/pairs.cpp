// The ranking kernels: one run over pairs of samples for every (model, rule). Compiled once an
// instruction set, under the namespace FIELDFARE_ISA.
#include "fieldfare/learning.hpp"

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

// A pair weighs the geometric mean of its rows; 0 means that it teaches nothing.
FIELDFARE_INLINE float weight_of(const TrainJob& job, const std::int64_t* pair) {
  const float* weight = job.rows->weight;
  return weight == nullptr ? 1.0F : std::sqrt(weight[pair[0]] * weight[pair[1]]);
}

// Places the two samples of a pair in a slot and the next; returns the row that must be refused.
FIELDFARE_INLINE std::optional<std::int64_t> fill(Stage& stage, const std::int64_t* pair,
                                                  std::int64_t slot) {
  for (std::int64_t side = 0; side < 2; ++side) {
    if (!stage.fill(pair[side], slot + side)) return pair[side];
    const Fetch fetch = stage.fetch_of(stage.at(pair[side], slot + side));
    for (std::int64_t i = 0; i < fetch.n; ++i) fetch(i);
  }
  return {};
}

// Spends the slope of one row of a pair. The bias, which cancels, stays.
template <class Rule, class Model, class Mine>
FIELDFARE_INLINE void learn(const Model& model, const Staged& sample, float slope, bool shared,
                            Mine mine) {
  model.template update<Rule>(sample, 0, slope, mine, Fetch{});
  if constexpr (Model::has_pair_weights) {
    if (shared) model.template move_pair_weights<Rule>(0, slope);
  }
}

// Pair after pair; the two of a pair are scored before either moves.
template <class Model, class Rule>
Outcome epoch(const TrainJob& job) {
  constexpr auto every_id = [](std::uint32_t) { return true; };
  Stage stage(job);
  auto better = model_in_slot<Model>(job, 0), worse = model_in_slot<Model>(job, 1);
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
    learn<Rule>(better, high, weight * slope, true, every_id);
    learn<Rule>(worse, low, -weight * slope, true, every_id);
  }
  return outcome;
}

// First half of a batch: a part of its pairs is staged and scored.
template <class Model>
std::optional<std::int64_t> gather_part(const BatchJob& batch, std::int64_t part,
                                        std::int64_t parts) {
  const TrainJob& job = batch.job;
  const std::int64_t n = job.end - job.begin;
  const std::int64_t first = n * part / parts, last = n * (part + 1) / parts;
  Stage stage(job);
  for (std::int64_t s = first; s < last; ++s) {
    const auto bad_row = fill(stage, job.order + 2 * (job.begin + s), 2 * s);
    if (bad_row) return bad_row;
  }
  for (std::int64_t s = first; s < last; ++s) {
    const std::int64_t* pair = job.order + 2 * (job.begin + s);
    const float weight = weight_of(job, pair);
    auto better = model_in_slot<Model>(job, 2 * s), worse = model_in_slot<Model>(job, 2 * s + 1);
    float slope =
        better.score(stage.at(pair[0], 2 * s), 0) - worse.score(stage.at(pair[1], 2 * s + 1), 0);
    batch.weight[s] = weight;
    batch.loss[s] = weight * loss_of(job.spec->loss, slope);
    job.work.score[2 * s] = weight * slope;
    job.work.score[2 * s + 1] = -weight * slope;
  }
  return {};
}

// Second half: the rows of the ids that fall to this part move, pair after pair.
template <class Model, class Rule>
void apply_part(const BatchJob& batch, std::int64_t part, std::int64_t parts) {
  const TrainJob& job = batch.job;
  const auto own_id = ids_of(part, parts);
  Stage stage(job);
  for (std::int64_t slot = 0; slot < 2 * (job.end - job.begin); ++slot) {
    const float slope = job.work.score[slot];
    if (batch.weight[slot / 2] == 0 || slope == 0) continue;
    const auto model = model_in_slot<Model>(job, slot);
    const Staged sample = stage.at(job.order[2 * job.begin + slot], slot);
    learn<Rule>(model, sample, slope, part == 0, own_id);
  }
}

}  // namespace

Outcome train_pairs(const TrainJob& job) {
  return with_model(job, [&]<class Model>() {
    return with_rule(*job.spec, [&]<class Rule>() { return epoch<Model, Rule>(job); });
  });
}

std::optional<std::int64_t> gather_pairs(const BatchJob& batch, std::int64_t part,
                                         std::int64_t parts) {
  return with_model(batch.job,
                    [&]<class Model>() { return gather_part<Model>(batch, part, parts); });
}

void apply_pairs(const BatchJob& batch, std::int64_t part, std::int64_t parts) {
  with_model(batch.job, [&]<class Model>() {
    with_rule(*batch.job.spec, [&]<class Rule>() { apply_part<Model, Rule>(batch, part, parts); });
  });
}

}  // namespace fieldfare::FIELDFARE_ISA
