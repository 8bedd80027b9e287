#define FIELDFARE_ISA host  // none of the kernels: only what their headers say of themselves
#include "models/layout.hpp"

#include <algorithm>

#include "models/kinds.hpp"

namespace fieldfare {

namespace {

// Rows shorter than a cache line must not straddle one; longer ones begin at one.
std::int64_t stride_of(std::int64_t used) {
  if (used > 8) return round_up(used, 16);
  return used <= 1 ? 1 : used <= 2 ? 2 : used <= 4 ? 4 : 8;
}

}  // namespace

std::int64_t padded_factors(std::int64_t n_factors) {
  return n_factors <= 4 ? 4 : round_up(n_factors, 8);
}

Layout layout_of(const Spec& spec) {
  const RuleTraits& rule = traits_of(spec.rule);
  const host::FactorLayout factors =
      host::with_model(spec, [&]<class Model>() { return Model::factors(spec); });
  Layout layout;
  layout.blocks = factors.blocks;
  layout.padded_factors = factors.padded;
  layout.slots = rule.slots;
  layout.sums_squares = rule.sums_squares;
  layout.state_per_weight = rule.per_weight;
  layout.factor_state = factors.floats;
  layout.weight =
      layout.factor_state + (rule.per_weight ? rule.slots * factors.floats : factors.groups);
  layout.output_stride = layout.weight + (spec.linear ? 1 + layout.slots : 0);
  layout.penalty = layout.output_stride * spec.n_outputs;
  layout.used = layout.penalty + 1;
  layout.stride = stride_of(layout.used);
  const std::int64_t pair_weights =
      traits_of(spec.kind).has_pair_weights ? spec.n_fields * spec.n_fields : 0;
  layout.shared = (1 + pair_weights) * (1 + layout.slots);
  return layout;
}

std::int64_t sum_floats(const Spec& spec, std::int64_t longest) {
  return round_up(
      host::with_model(spec, [&]<class Model>() { return Model::sum_floats(spec, longest); }), 16);
}

std::int64_t field_ints(const Spec& spec, std::int64_t longest) {
  if (!traits_of(spec.kind).uses_fields) return 0;
  return round_up(spec.n_fields + 2 + 4 * std::min(longest, spec.n_fields), 16);
}

}  // namespace fieldfare
