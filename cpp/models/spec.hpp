// The kind of a model and the settings of its training: scalars for the kernels, beside the arrays.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fieldfare {

// Kinds of models and gradient rules are known by their place in the lists of models/kinds.hpp and
// gradient/rules.hpp; everywhere else they are known by name.
enum class Kind : int {};
enum class Rule : int {};
enum class Loss { squared, logistic, softmax, pairwise, hinge };  // the last two: of pairs of rows

// What the header of a kind declares; see models/model.hpp.
struct KindTraits {
  std::string_view name;
  bool has_factors, uses_fields, has_vector_per_field, has_orders, has_pair_weights;
};

// What a rule declares; see gradient/rules.hpp.
struct RuleTraits {
  std::string_view name;
  std::int64_t slots;
  bool per_weight, sums_squares;
};

const KindTraits& traits_of(Kind kind);
const RuleTraits& traits_of(Rule rule);
constexpr bool is_of_pairs(Loss loss) { return loss == Loss::pairwise || loss == Loss::hinge; }

// Nothing if there is none of that name.
std::optional<Kind> kind_named(std::string_view name);
std::optional<Rule> rule_named(std::string_view name);
std::optional<Loss> loss_named(std::string_view name);
std::vector<std::string> kind_names();
std::vector<std::string> rule_names();
std::vector<std::string> loss_names();

// Step size and penalties of one group of parameters.
struct Rates {
  float learning_rate = 0;
  float l2 = 0;
  float l1 = 0;    // FTRL only
  float beta = 1;  // FTRL only

  // The same for a feature whose L2 penalty is so many times as large.
  Rates penalised(float times) const { return {learning_rate, l2 * times, l1, beta}; }
};

constexpr std::int64_t max_order = 16;

// Factors of an HOFM that serve the same orders: one of them, or all if they share their factors.
// A latent vector holds the factors of one block after the other; in a training table each block
// is padded to whole lanes.
struct FactorBlock {
  std::int64_t lowest = 2, highest = 2;  // orders
  std::int64_t n_factors = 0, padded = 0;
  std::int64_t offset = 0, padded_offset = 0;
  Rates rates;
};

struct Spec {
  Kind kind{};
  Loss loss = Loss::logistic;
  Rule rule{};
  std::int64_t n_outputs = 1;  // 1 unless softmax
  std::int64_t n_factors = 0;
  std::int64_t n_fields = 0;  // kinds that use fields only
  bool intercept = true;
  bool linear = true;
  bool instance_norm = false;
  bool norm_unknown = false;  // whether the length counts entries that the model does not know
  Rates bias, weights, factors, pairs;
  std::vector<FactorBlock> factor_blocks;  // HOFM only, by order

  std::int64_t highest_order() const {
    return factor_blocks.empty() ? 2 : factor_blocks.back().highest;
  }
  // Length of a latent vector of an HOFM in a training table.
  std::int64_t padded_length() const {
    return factor_blocks.back().padded_offset + factor_blocks.back().padded;
  }
};

// Rows that one step learns from.
inline std::int64_t rows_per_step(const Spec& spec) { return is_of_pairs(spec.loss) ? 2 : 1; }

}  // namespace fieldfare
