"""Words that mean something of their own where a design's names stand; none of them can be one."""

from __future__ import annotations

import re

__all__ = ["taken_by_cpp", "taken_by_tools"]

#: Keywords of C++, alternative spellings of operators among them (ISO C++, [lex.key]).
_CPP = """
alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class co_await
co_return co_yield compl concept const const_cast consteval constexpr constinit continue decltype default delete do
double dynamic_cast else enum explicit export extern false float for friend goto if inline int long mutable namespace
new noexcept not not_eq nullptr operator or or_eq private protected public register reinterpret_cast requires return
short signed sizeof static static_assert static_cast struct switch template this thread_local throw true try typedef
typeid typename typeof union unsigned using virtual void volatile wchar_t while xor xor_eq
"""

#: Keywords of SystemVerilog (IEEE 1800-2017, annex B), those of Verilog among them.
_VERILOG = """
accept_on alias always always_comb always_ff always_latch and assert assign assume automatic before begin bind bins
binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle checker class clocking cmos config const
constraint context continue cover covergroup coverpoint cross deassign default defparam design disable dist do edge
else end endcase endchecker endclass endclocking endconfig endfunction endgenerate endgroup endinterface endmodule
endpackage endprimitive endprogram endproperty endsequence endspecify endtable endtask enum event eventually expect
export extends extern final first_match for force foreach forever fork forkjoin function generate genvar global highz0
highz1 if iff ifnone ignore_bins illegal_bins implements implies import incdir include initial inout input inside
instance int integer interconnect interface intersect join join_any join_none large let liblist library local
localparam logic longint macromodule matches medium modport module nand negedge nettype new nexttime nmos nor
noshowcancelled not notif0 notif1 null or output package packed parameter pmos posedge primitive priority program
property protected pull0 pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase
randsequence rcmos real realtime ref reg reject_on release repeat restrict return rnmos rpmos rtran rtranif0 rtranif1
s_always s_eventually s_nexttime s_until s_until_with scalared sequence shortint shortreal showcancelled signed small
soft solve specify specparam static string strong strong0 strong1 struct super supply0 supply1 sync_accept_on
sync_reject_on table tagged task this throughout time timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1 triand
trior trireg type typedef union unique unique0 unsigned until until_with untyped use uwire var vectored virtual void
wait wait_order wand weak weak0 weak1 while wildcard wire with within wor xnor xor
"""

#: Reserved words of VHDL (IEEE 1076-2008, 15.10), in which AMD's tools may write what instantiates an IP.
_VHDL = """
abs access after alias all and architecture array assert assume assume_guarantee attribute begin block body buffer bus
case component configuration constant context cover default disconnect downto else elsif end entity exit fairness file
for force function generate generic group guarded if impure in inertial inout is label library linkage literal loop map
mod nand new next nor not null of on open or others out package parameter port postponed procedure process property
protected pure range record register reject release rem report restrict restrict_guarantee return rol ror select
sequence severity shared signal sla sll sra srl strong subtype then to transport type unaffected units until use
variable vmode vprop vunit wait when while with xnor xor
"""

#: Devices of Windows, which no file may be called, whatever its ending.
_DEVICES = "aux con nul prn " + " ".join(f"{port}{number}" for port in ("com", "lpt") for number in range(10))

_OF_TOOLS = frozenset(f"{_CPP} {_VERILOG} {_VHDL} {_DEVICES}".split())

#: What the sources of a project, its test bench, and the C and C++ headers behind them have at global scope and that
#: is no function: namespaces, variables, macros. Functions can be overloaded. In tests/core/test_names.py g++ is asked.
_AT_GLOBAL_SCOPE = """
abi alloca assert assert_perror daylight errno fd_mask fd_set getdate_err hls i386 issubnormal linux main
math_errhandling nnet offsetof program_invocation_name program_invocation_short_name retval sched_priority signgam std
stderr stdin stdout strdupa strndupa timezone tzname u_char u_int u_long u_quad u_short uint ulong unix ushort va_arg
va_copy va_end va_list va_start valtype
"""

#: The same by their form, letters of both cases apart: macros (capitals only, or ``M_PIl``, ``L_tmpnam``), types, the
#: classes of AMD's headers, byte orders, and the numbered names of hls4ml's variables and files.
_FORMS_AT_GLOBAL_SCOPE = re.compile(
    r"[^a-z]+|[A-Z]_\w+|\w+_t|(af|ap|ssdm|AESL|pthread)_\w+|(htobe|htole|be|le)\d\w*|defines|parameters|"
    r"(layer|config)\d+\w*|[a-z]{1,2}\d+")

_NO_FUNCTIONS = frozenset(_AT_GLOBAL_SCOPE.split())


def taken_by_tools(name: str) -> bool:
    """Whether a language or a file system has a word of that name, in any case of letters."""
    return name.lower() in _OF_TOOLS


def taken_by_cpp(name: str) -> bool:
    """Whether a function of that name at global scope may be something else in a project's C++."""
    return name in _NO_FUNCTIONS or _FORMS_AT_GLOBAL_SCOPE.fullmatch(name) is not None
