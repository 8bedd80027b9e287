// Scores of the rows of a design.
#include "common/team.hpp"
#include "coordinate/anova_sweep.hpp"
#include "coordinate/coordinate.hpp"

namespace fieldfare {

void score_design(const Design& design, const SweepParameters& parameters, float* out,
                  std::int64_t n_threads) {
  // Scores are the residuals for the target zero, and q is the start of a factor's pass.
  std::vector<std::vector<float>> levels(design.blocks.size()), squares(design.blocks.size());
  const auto find_levels = [&](const float* theta) {
    for (std::size_t b = 0; b < design.blocks.size(); ++b) {
      const Block& block = design.blocks[b];
      levels[b].assign(static_cast<std::size_t>(block.n_codes), 0);
      squares[b].assign(static_cast<std::size_t>(block.n_codes), 0);
      if (block.kind == Block::Kind::one_hot) {
        for (std::int64_t c = 0; c + 1 < block.n_codes; ++c) {
          levels[b][c] = theta[block.features[c]];
          squares[b][c] = levels[b][c] * levels[b][c];
        }
        continue;
      }
      for (std::int64_t c = 0; c < block.n_codes; ++c) {
        for (std::int64_t p = block.patterns.start[c]; p < block.patterns.start[c + 1]; ++p) {
          const float xv = block.patterns.value[p] * theta[block.features[block.patterns.index[p]]];
          levels[b][c] += xv;
          squares[b][c] += xv * xv;
        }
      }
    }
  };
  const auto add_scores = [&](bool pairs) {
    run_team(n_threads, [&](Member& member) {
      member.share(design.n_rows, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) {
          float sum = 0, rest = 0;
          for (std::size_t b = 0; b < design.blocks.size(); ++b) {
            const Block& block = design.blocks[b];
            const std::int64_t code =
                block.kind == Block::Kind::direct ? i : static_cast<std::int64_t>(block.codes[i]);
            sum += levels[b][code];
            rest += squares[b][code];
          }
          out[i] += pairs ? 0.5F * (sum * sum - rest) : sum;
        }
      });
    });
  };
  std::fill_n(out, design.n_rows, parameters.bias == nullptr ? 0.0F : *parameters.bias);
  if (parameters.linear != nullptr) {
    find_levels(parameters.linear);
    add_scores(false);
  }
  for (std::int64_t f = 0; parameters.factors != nullptr && f < parameters.k; ++f) {
    const float* v = parameters.factors + f * design.n_features;
    if (parameters.orders_of(f).highest > 2) {
      add_anova_scores(design, {v, parameters.orders_of(f)}, out, n_threads);
      continue;
    }
    find_levels(v);
    add_scores(true);
  }
}

}  // namespace fieldfare
