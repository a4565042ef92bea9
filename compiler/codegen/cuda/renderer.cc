#include "compiler/codegen/cuda/renderer.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "compiler/codegen/cuda/cuda_codegen.h"
#include "compiler/codegen/ptx/instructions.h"
#include "compiler/kernel/arithmetic.h"
#include "ir/base/check.h"

namespace ingot::codegen {

using kernel::OpClass;
using kernel::Opcode;
using kernel::Operation;

namespace {

constexpr size_t kColumns = 100;

// A text that may stand in a comment of one line.
std::string CommentText(absl::string_view text) {
  std::string clean(text);
  std::replace_if(
      clean.begin(), clean.end(), [](char c) { return c == '\n' || c == '\r' || c == '\\'; }, ' ');
  return clean;
}

// The place of a comma before column `limit` where a line is best broken: within as few parentheses
// as there are, and as late.  npos: there is none.
size_t BestBreak(absl::string_view text, size_t limit) {
  size_t best = absl::string_view::npos;
  int depth = 0;
  int best_depth = 0;
  for (size_t i = 0; i + 1 < text.size() && i < limit; ++i) {
    // An operator has spaces around it.
    const bool is_bracket = i > 0 && text[i - 1] != ' ';
    if (text[i] == '(' || text[i] == '{' || (text[i] == '<' && is_bracket)) ++depth;
    if (text[i] == ')' || text[i] == '}' || (text[i] == '>' && is_bracket)) --depth;
    if (text[i] != ',' || text[i + 1] != ' ') continue;
    if (best != absl::string_view::npos && depth > best_depth) continue;
    best = i;
    best_depth = depth;
  }
  return best;
}

}  // namespace

std::string CudaEntryName(absl::string_view kernel) { return absl::StrCat(kernel, "_kernel"); }

CudaRenderer::CudaRenderer(const kernel::Kernel& kernel, CudaTypes* types, CudaAssembly* assembly)
    : kernel_(kernel),
      types_(*types),
      assembly_(*assembly),
      inliner_(kernel),
      values_(kernel.operation_count()) {}

std::string CudaRenderer::Render() {
  std::vector<std::string> parameters;
  for (const kernel::Parameter& parameter : kernel_.parameters()) {
    parameters.push_back(ParameterText(parameter));
  }
  const std::string head = absl::StrCat("extern \"C\" __global__ void ", LaunchText(), "\n",
                                        CudaEntryName(kernel_.name()), "(");
  const std::string all = absl::StrJoin(parameters, ", ");
  const bool fits = kernel_.name().size() + all.size() + 12 <= kColumns;
  absl::StrAppend(&out_, head, fits ? all : "\n    " + absl::StrJoin(parameters, ",\n    "),
                  ") {\n");
  RenderShared();
  RenderIds();
  RenderBlock(*kernel_.body());
  absl::StrAppend(&out_, "}\n");
  return std::move(out_);
}

// ----- The head.

std::string CudaRenderer::ParameterText(const kernel::Parameter& parameter) {
  if (parameter.kind == kernel::Parameter::Kind::kScalar) {
    return absl::StrCat(types_.Name(parameter.value->type), " ", NameOf(*parameter.value));
  }
  if (parameter.kind == kernel::Parameter::Kind::kTensorMap) {
    return absl::StrCat("const __grid_constant__ tensor_map ", NameOf(parameter.map));
  }
  const kernel::Buffer& buffer = *parameter.buffer;
  // What nobody writes has no alias that matters.
  return absl::StrCat(buffer.readonly ? "const " : "", types_.Name(buffer.element),
                      buffer.readonly || buffer.noalias ? "* __restrict__ " : "* ",
                      NameOf(&buffer));
}

std::string CudaRenderer::LaunchText() const {
  const kernel::Launch& launch = kernel_.launch();
  // CUDA takes a limit of registers, or of threads and blocks.
  std::string text =
      launch.max_registers > 0
          ? absl::StrCat("__maxnreg__(", launch.max_registers, ")")
          : absl::StrCat("__launch_bounds__(", launch.block_threads(),
                         launch.min_blocks > 0 ? absl::StrCat(", ", launch.min_blocks) : "", ")");
  if (launch.cluster_blocks() > 1) {
    absl::StrAppend(&text, " __cluster_dims__(", absl::StrJoin(launch.cluster, ", "), ")");
  }
  return text;
}

// Shared allocations are pieces of one array, so that they lie where PlaceShared says.
void CudaRenderer::RenderShared() {
  const kernel::SharedPlacement placement = kernel::PlaceShared(kernel_);
  dynamic_shared_bytes_ = kernel_.launch().dynamic_shared_bytes;
  if (placement.bytes == 0) return;
  const bool dynamic = placement.bytes > kStaticSharedBytes;
  if (dynamic) dynamic_shared_bytes_ += placement.bytes;
  // An array of dynamic size is one of the module's.
  const std::string array = names_.Unique(absl::StrCat(kernel_.name(), "_shared"));
  Line(absl::StrCat(dynamic ? "extern " : "", "__shared__ __align__(",
                    std::max(16, placement.alignment), ") u8 ", array, "[",
                    dynamic ? "" : absl::StrCat(placement.bytes), "];"));
  for (size_t i = 0; i < kernel_.shared().size(); ++i) {
    const kernel::Buffer* buffer = kernel_.shared()[i];
    const std::string type = types_.Name(buffer->element);
    Line(absl::StrCat(type, "* const ", NameOf(buffer), " = reinterpret_cast<", type, "*>(", array,
                      " + ", placement.offsets[i], ");  // ", buffer->count(), " elements"));
  }
}

// Ids that the kernel asks for; those along an axis of one block or thread are zero.
void CudaRenderer::RenderIds() {
  const auto& block = kernel_.launch().block;
  const auto thread = [&](int axis) {
    return block[axis] == 1 ? std::string("0")
                            : absl::StrCat("s32(threadIdx.", std::string(1, 'x' + axis), ")");
  };
  std::string linear = thread(0);
  if (block[1] > 1) absl::StrAppend(&linear, " + ", block[0], " * ", thread(1));
  if (block[2] > 1) absl::StrAppend(&linear, " + ", block[0] * block[1], " * ", thread(2));
  if (block[1] > 1 || block[2] > 1) linear = absl::StrCat("(", linear, ")");
  const auto declare = [&](const std::string& key, absl::string_view name,
                           const std::string& value) {
    std::string& declared = ids_[key];
    if (!declared.empty()) return;
    declared = names_.Unique(name);
    Line(absl::StrCat("const s32 ", declared, " = ", value, ";"));
  };
  const auto declare_id = [&](const Operation& id) {
    if (kernel::InfoOf(id.opcode).op_class != OpClass::kId) return;
    const int axis = id.Get<kernel::IdAttributes>().axis;
    const std::string name = absl::StrCat(kernel::NameOf(id.opcode), axis == 0   ? ""
                                                                     : axis == 1 ? "_y"
                                                                                 : "_z");
    std::string value = thread(axis);
    if (id.opcode == Opcode::kBlock) {
      value = kernel_.launch().grid[axis] == 1
                  ? "0"
                  : absl::StrCat("s32(blockIdx.", std::string(1, 'x' + axis), ")");
    } else if (id.opcode == Opcode::kBlocks) {
      value = kernel_.launch().grid[axis] == 1
                  ? "1"
                  : absl::StrCat("s32(gridDim.", std::string(1, 'x' + axis), ")");
    } else if (id.opcode == Opcode::kClusterBlock) {
      value = kernel_.launch().cluster_blocks() == 1 ? "0" : "cluster_rank()";
    } else if (id.opcode == Opcode::kLane) {
      value = absl::StrCat(linear, " % ", kernel::kWarpSize);
    } else if (id.opcode == Opcode::kWarp) {
      value = absl::StrCat(linear, " / ", kernel::kWarpSize);
    }
    declare(IdKey(id), name, value);
  };
  kernel::ForEachOperation(*kernel_.body(), [&](const Operation& op) {
    if (!op.name.empty()) declare_id(op);
    for (const Operation* id : op.operands) declare_id(*id);
    if (op.opcode == Opcode::kRoles) {
      declare("warp0", "warp", absl::StrCat(linear, " / ", kernel::kWarpSize));
    }
  });
}

std::string CudaRenderer::IdKey(const Operation& op) {
  return absl::StrCat(kernel::NameOf(op.opcode), op.Get<kernel::IdAttributes>().axis);
}

// ----- Names.

const std::string& CudaRenderer::NameOf(const Operation& op) {
  std::string& name = values_[op.id];
  if (name.empty()) name = names_.Unique(op.name);
  return name;
}

const std::string& CudaRenderer::NameOf(const kernel::Buffer* buffer) {
  std::string& name = buffers_[buffer];
  if (name.empty()) name = names_.Unique(buffer->name.empty() ? "buffer" : buffer->name);
  return name;
}

const std::string& CudaRenderer::NameOf(const kernel::Var* var) {
  std::string& name = vars_[var];
  if (name.empty()) name = names_.Unique(var->name.empty() ? "cell" : var->name);
  return name;
}

const std::string& CudaRenderer::NameOf(const kernel::MapParameter* map) {
  std::string& name = maps_[map];
  if (name.empty()) name = names_.Unique(map->name.empty() ? "map" : map->name);
  return name;
}

// ----- Statements.

void CudaRenderer::Line(absl::string_view text) {
  std::string indent(2 * depth_, ' ');
  const size_t comment = text.find("//");
  while (indent.size() + text.size() > kColumns && comment == absl::string_view::npos) {
    const size_t end = BestBreak(text, kColumns - indent.size());
    if (end == absl::string_view::npos) break;
    absl::StrAppend(&out_, indent, text.substr(0, end + 1), "\n");
    text.remove_prefix(end + 2);
    indent.assign(2 * depth_ + 4, ' ');
  }
  absl::StrAppend(&out_, indent, text, "\n");
}

void CudaRenderer::Comment(const Operation& op) {
  if (op.hlo >= 0 && op.hlo != hlo_) {
    hlo_ = op.hlo;
    const absl::string_view name = kernel_.HloName(op.hlo);
    const bool is_named = !name.empty() && named_hlos_.insert(op.hlo).second;
    Line(absl::StrCat("// HLO ", op.hlo, is_named ? ": " : "", is_named ? CommentText(name) : ""));
  }
  if (!op.comment.empty()) Line(absl::StrCat("// ", CommentText(op.comment)));
}

void CudaRenderer::RenderBlock(const kernel::Block& block) {
  for (const Operation* op : block.operations) {
    if (IsInlined(*op)) continue;
    Comment(*op);
    RenderStatement(*op);
  }
}

void CudaRenderer::Body(const kernel::Block& block) {
  ++depth_;
  RenderBlock(block);
  --depth_;
}

void CudaRenderer::RenderStatement(const Operation& op) {
  switch (op.opcode) {
    case Opcode::kFor:
      return RenderFor(op);
    case Opcode::kWhile:
      return RenderWhile(op);
    case Opcode::kIf:
      return RenderIf(op);
    case Opcode::kRoles:
      return RenderRoles(op);
    case Opcode::kYield:
      return Line(absl::StrCat("if (!(", Operand(op.operands[0]), ")) break;"));
    case Opcode::kStore:
      return Line(absl::StrCat(StoreText(op), ";"));
    case Opcode::kVarWrite:
      return Line(absl::StrCat(VarText(op), " = ", Operand(op.value()), ";"));
    case Opcode::kVar: {
      const kernel::Var* var = op.Get<kernel::VarAttributes>().var;
      const std::string initial = Operand(op.value());
      const std::string cell = absl::StrCat(types_.Name(var->type), " ", NameOf(var));
      if (var->array_size == 0) return Line(absl::StrCat(cell, " = ", initial, ";"));
      Line(absl::StrCat(cell, "[", var->array_size, "];"));
      return Line(absl::StrCat("fill(", NameOf(var), ", ", initial, ");"));
    }
    default:
      break;
  }
  const bool unused = op.name.empty() && inliner_.Uses(op) == 0 && op.effects() != kernel::kPure;
  if (op.type.IsNone() || unused) return Line(absl::StrCat(ExpressionOf(op).text, ";"));
  const std::string value = ExpressionOf(op).text;
  Line(absl::StrCat("const ", types_.Name(op.type), " ", NameOf(op), " = ", value, ";"));
}

std::string CudaRenderer::Bound(const Operation* value, absl::string_view name) {
  if (value->IsConstant() || kernel::IsLeaf(*value) || !IsInlined(*value)) return Operand(value);
  const std::string bound = names_.Unique(name);
  Line(absl::StrCat("const ", types_.Name(value->type), " ", bound, " = ", Operand(value), ";"));
  return bound;
}

void CudaRenderer::RenderFor(const Operation& op) {
  const auto& loop = op.Get<kernel::ForAttributes>();
  const std::string type = types_.Name(op.type);
  const std::string variable = NameOf(op);
  const bool unrolled = kernel::StaticIterations(op).has_value();
  if (loop.is_list) {
    const std::string list = names_.Unique(absl::StrCat(variable, "_list"));
    const std::string at = names_.Unique(absl::StrCat(variable, "_at"));
    std::vector<std::string> values;
    for (int64_t value : loop.list) {
      values.push_back(ConstantText(op.type, kernel::IntegerBits(op.type.element, value)));
    }
    Line(absl::StrCat("constexpr ", type, " ", list, "[] = {", absl::StrJoin(values, ", "), "};"));
    Line("#pragma unroll");
    Line(absl::StrCat("for (int ", at, " = 0; ", at, " < ", loop.list.size(), "; ++", at, ") {"));
    ++depth_;
    Line(absl::StrCat("const ", type, " ", variable, " = ", list, "[", at, "];"));
    --depth_;
  } else {
    const Operation* step = op.operands[2];
    const bool down = step->IsConstant() && step->ConstantInteger() < 0;
    const std::string end = Bound(op.operands[1], absl::StrCat(variable, "_end"));
    const std::string by = Bound(step, absl::StrCat(variable, "_step"));
    Line(unrolled ? "#pragma unroll" : absl::StrCat("#pragma unroll ", loop.unroll));
    const std::string next =
        by == "1" ? absl::StrCat("++", variable) : absl::StrCat(variable, " += ", by);
    Line(absl::StrCat("for (", type, " ", variable, " = ", Operand(op.operands[0]), "; ", variable,
                      down ? " > " : " < ", end, "; ", next, ") {"));
  }
  Body(*op.blocks[0]);
  Line("}");
}

void CudaRenderer::RenderWhile(const Operation& op) {
  Line("#pragma unroll 1");
  Line("while (true) {");
  Body(*op.blocks[0]);
  Body(*op.blocks[1]);
  Line("}");
}

void CudaRenderer::RenderIf(const Operation& op) {
  Line(absl::StrCat("if (", Operand(op.operands[0]), ") {"));
  Body(*op.blocks[0]);
  if (op.blocks.size() > 1 && !op.blocks[1]->operations.empty()) {
    Line("} else {");
    Body(*op.blocks[1]);
  }
  Line("}");
}

void CudaRenderer::RenderRoles(const Operation& op) {
  const std::string& warp = ids_.at("warp0");
  const std::vector<kernel::WarpRange>& ranges = op.Get<kernel::RolesAttributes>().warps;
  for (size_t i = 0; i < ranges.size(); ++i) {
    Line(absl::StrCat(i == 0 ? "" : "} else ", "if (", warp, " >= ", ranges[i].first, " && ", warp,
                      " <= ", ranges[i].last, ") {"));
    Body(*op.blocks[i]);
  }
  if (!ranges.empty()) Line("}");
}

}  // namespace ingot::codegen
