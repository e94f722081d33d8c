/*
 * JSONTestSuite (Nicolas Seriot, "Parsing JSON is a Minefield"), by its own
 * names: y_ must be taken, n_ must be refused.  Of its i_ cases, which the
 * standard leaves open, the table says what is decided here.
 * Names given twice, y_ there, are refused here: readers disagree on which counts.
 */
#include "test.h"

#include "base/arena.h"
#include "base/json.h"
#include "base/limits.h"

struct row {
	const char *name;
	struct str  text;
};

static const struct row taken[] = {
	{ "array_arraysWithSpaces", STR_INIT("[[]   ]") },
	{ "array_empty-string", STR_INIT("[\"\"]") },
	{ "array_empty", STR_INIT("[]") },
	{ "array_ending_with_newline", STR_INIT("[\"a\"]\n") },
	{ "array_false", STR_INIT("[false]") },
	{ "array_heterogeneous", STR_INIT("[null, 1, \"1\", {}]") },
	{ "array_null", STR_INIT("[null]") },
	{ "array_with_1_and_newline", STR_INIT("[1\n]") },
	{ "array_with_leading_space", STR_INIT(" [1]") },
	{ "array_with_several_null", STR_INIT("[1,null,null,null,2]") },
	{ "array_with_trailing_space", STR_INIT("[2] ") },
	{ "number", STR_INIT("[123e65]") },
	{ "number_0e+1", STR_INIT("[0e+1]") },
	{ "number_0e1", STR_INIT("[0e1]") },
	{ "number_after_space", STR_INIT("[ 4]") },
	{ "number_double_close_to_zero", STR_INIT("[-0.000000000000000000000000000000000000000"
	    "000000000000000000000000000000000000001]\n") },
	{ "number_int_with_exp", STR_INIT("[20e1]") },
	{ "number_minus_zero", STR_INIT("[-0]") },
	{ "number_negative_int", STR_INIT("[-123]") },
	{ "number_negative_one", STR_INIT("[-1]") },
	{ "number_negative_zero", STR_INIT("[-0]") },
	{ "number_real_capital_e", STR_INIT("[1E22]") },
	{ "number_real_capital_e_neg_exp", STR_INIT("[1E-2]") },
	{ "number_real_capital_e_pos_exp", STR_INIT("[1E+2]") },
	{ "number_real_exponent", STR_INIT("[123e45]") },
	{ "number_real_fraction_exponent", STR_INIT("[123.456e78]") },
	{ "number_real_neg_exp", STR_INIT("[1e-2]") },
	{ "number_real_pos_exponent", STR_INIT("[1e+2]") },
	{ "number_simple_int", STR_INIT("[123]") },
	{ "number_simple_real", STR_INIT("[123.456789]") },
	{ "object", STR_INIT("{\"asd\":\"sdf\", \"dfg\":\"fgh\"}") },
	{ "object_basic", STR_INIT("{\"asd\":\"sdf\"}") },
	{ "object_empty", STR_INIT("{}") },
	{ "object_empty_key", STR_INIT("{\"\":0}") },
	{ "object_escaped_null_in_key", STR_INIT("{\"foo\\u0000bar\": 42}") },
	{ "object_extreme_numbers", STR_INIT("{ \"min\": -1.0e+28, \"max\": 1.0e+28 }") },
	{ "object_long_strings", STR_INIT("{\"x\":[{\"id\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxx\"}], \"id\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}") },
	{ "object_simple", STR_INIT("{\"a\":[]}") },
	{ "object_string_unicode", STR_INIT("{\"title\":\"\\u041f\\u043e\\u043b\\u0442\\u043e"
	    "\\u0440\\u0430 \\u0417\\u0435\\u043c\\u043b\\u0435\\u043a\\u043e\\u043f\\u0430\" }") },
	{ "object_with_newlines", STR_INIT("{\n\"a\": \"b\"\n}") },
	{ "string_1_2_3_bytes_UTF-8_sequences", STR_INIT("[\"\\u0060\\u012a\\u12AB\"]") },
	{ "string_accepted_surrogate_pair", STR_INIT("[\"\\uD801\\udc37\"]") },
	{ "string_accepted_surrogate_pairs", STR_INIT("[\"\\ud83d\\ude39\\ud83d\\udc8d\"]") },
	{ "string_allowed_escapes", STR_INIT("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]") },
	{ "string_backslash_and_u_escaped_zero", STR_INIT("[\"\\\\u0000\"]") },
	{ "string_backslash_doublequotes", STR_INIT("[\"\\\"\"]") },
	{ "string_comments", STR_INIT("[\"a/*b*/c/*d//e\"]") },
	{ "string_double_escape_a", STR_INIT("[\"\\\\a\"]") },
	{ "string_double_escape_n", STR_INIT("[\"\\\\n\"]") },
	{ "string_escaped_control_character", STR_INIT("[\"\\u0012\"]") },
	{ "string_escaped_noncharacter", STR_INIT("[\"\\uFFFF\"]") },
	{ "string_in_array", STR_INIT("[\"asd\"]") },
	{ "string_in_array_with_leading_space", STR_INIT("[ \"asd\"]") },
	{ "string_last_surrogates_1_and_2", STR_INIT("[\"\\uDBFF\\uDFFF\"]") },
	{ "string_nbsp_uescaped", STR_INIT("[\"new\\u00A0line\"]") },
	{ "string_nonCharacterInUTF-8_U+10FFFF", STR_INIT("[\"\xF4\x8F\xBF\xBF\"]") },
	{ "string_nonCharacterInUTF-8_U+FFFF", STR_INIT("[\"\xEF\xBF\xBF\"]") },
	{ "string_null_escape", STR_INIT("[\"\\u0000\"]") },
	{ "string_one-byte-utf-8", STR_INIT("[\"\\u002c\"]") },
	{ "string_pi", STR_INIT("[\"\xCF\x80\"]") },
	{ "string_reservedCharacterInUTF-8_U+1BFFF", STR_INIT("[\"\xF0\x9B\xBF\xBF\"]") },
	{ "string_simple_ascii", STR_INIT("[\"asd \"]") },
	{ "string_space", STR_INIT("\" \"") },
	{ "string_surrogates_U+1D11E_MUSICAL_SYMBOL_G_CLEF", STR_INIT("[\"\\uD834\\uDd1e\"]") },
	{ "string_three-byte-utf-8", STR_INIT("[\"\\u0821\"]") },
	{ "string_two-byte-utf-8", STR_INIT("[\"\\u0123\"]") },
	{ "string_u+2028_line_sep", STR_INIT("[\"\xE2\x80\xA8\"]") },
	{ "string_u+2029_par_sep", STR_INIT("[\"\xE2\x80\xA9\"]") },
	{ "string_uEscape", STR_INIT("[\"\\u0061\\u30af\\u30EA\\u30b9\"]") },
	{ "string_uescaped_newline", STR_INIT("[\"new\\u000Aline\"]") },
	{ "string_unescaped_char_delete", STR_INIT("[\"\x7F\"]") },
	{ "string_unicode", STR_INIT("[\"\\uA66D\"]") },
	{ "string_unicodeEscapedBackslash", STR_INIT("[\"\\u005C\"]") },
	{ "string_unicode_2", STR_INIT("[\"\xE2\x8D\x82\xE3\x88\xB4\xE2\x8D\x82\"]") },
	{ "string_unicode_U+10FFFE_nonchar", STR_INIT("[\"\\uDBFF\\uDFFE\"]") },
	{ "string_unicode_U+1FFFE_nonchar", STR_INIT("[\"\\uD83F\\uDFFE\"]") },
	{ "string_unicode_U+200B_ZERO_WIDTH_SPACE", STR_INIT("[\"\\u200B\"]") },
	{ "string_unicode_U+2064_invisible_plus", STR_INIT("[\"\\u2064\"]") },
	{ "string_unicode_U+FDD0_nonchar", STR_INIT("[\"\\uFDD0\"]") },
	{ "string_unicode_U+FFFE_nonchar", STR_INIT("[\"\\uFFFE\"]") },
	{ "string_unicode_escaped_double_quote", STR_INIT("[\"\\u0022\"]") },
	{ "string_utf8", STR_INIT("[\"\xE2\x82\xAC\xF0\x9D\x84\x9E\"]") },
	{ "string_with_del_character", STR_INIT("[\"a\x7F" "a\"]") },
	{ "structure_lonely_false", STR_INIT("false") },
	{ "structure_lonely_int", STR_INIT("42") },
	{ "structure_lonely_negative_real", STR_INIT("-0.1") },
	{ "structure_lonely_null", STR_INIT("null") },
	{ "structure_lonely_string", STR_INIT("\"asd\"") },
	{ "structure_lonely_true", STR_INIT("true") },
	{ "structure_string_empty", STR_INIT("\"\"") },
	{ "structure_trailing_newline", STR_INIT("[\"a\"]\n") },
	{ "structure_true_in_array", STR_INIT("[true]") },
	{ "structure_whitespace_array", STR_INIT(" [] ") },
	/* left open by the standard */
	{ "i_number_double_huge_neg_exp", STR_INIT("[123.456e-789]") },
	{ "i_number_real_underflow", STR_INIT("[123e-10000000]") },
};

static const struct row refused[] = {
	{ "array_1_true_without_comma", STR_INIT("[1 true]") },
	{ "array_a_invalid_utf8", STR_INIT("[a\xE5]") },
	{ "array_colon_instead_of_comma", STR_INIT("[\"\": 1]") },
	{ "array_comma_after_close", STR_INIT("[\"\"],") },
	{ "array_comma_and_number", STR_INIT("[,1]") },
	{ "array_double_comma", STR_INIT("[1,,2]") },
	{ "array_double_extra_comma", STR_INIT("[\"x\",,]") },
	{ "array_extra_close", STR_INIT("[\"x\"]]") },
	{ "array_extra_comma", STR_INIT("[\"\",]") },
	{ "array_incomplete", STR_INIT("[\"x\"") },
	{ "array_incomplete_invalid_value", STR_INIT("[x") },
	{ "array_inner_array_no_comma", STR_INIT("[3[4]]") },
	{ "array_invalid_utf8", STR_INIT("[\xFF]") },
	{ "array_items_separated_by_semicolon", STR_INIT("[1:2]") },
	{ "array_just_comma", STR_INIT("[,]") },
	{ "array_just_minus", STR_INIT("[-]") },
	{ "array_missing_value", STR_INIT("[   , \"\"]") },
	{ "array_newlines_unclosed", STR_INIT("[\"a\",\n4\n,1,") },
	{ "array_number_and_comma", STR_INIT("[1,]") },
	{ "array_number_and_several_commas", STR_INIT("[1,,]") },
	{ "array_spaces_vertical_tab_formfeed", STR_INIT("[\"\va\"\\f]") },
	{ "array_star_inside", STR_INIT("[*]") },
	{ "array_unclosed", STR_INIT("[\"\"") },
	{ "array_unclosed_trailing_comma", STR_INIT("[1,") },
	{ "array_unclosed_with_new_lines", STR_INIT("[1,\n1\n,1") },
	{ "array_unclosed_with_object_inside", STR_INIT("[{}") },
	{ "incomplete_false", STR_INIT("[fals]") },
	{ "incomplete_null", STR_INIT("[nul]") },
	{ "incomplete_true", STR_INIT("[tru]") },
	{ "multidigit_number_then_00", STR_INIT("123\0") },
	{ "number_++", STR_INIT("[++1234]") },
	{ "number_+1", STR_INIT("[+1]") },
	{ "number_+Inf", STR_INIT("[+Inf]") },
	{ "number_-01", STR_INIT("[-01]") },
	{ "number_-1.0.", STR_INIT("[-1.0.]") },
	{ "number_-2.", STR_INIT("[-2.]") },
	{ "number_-NaN", STR_INIT("[-NaN]") },
	{ "number_.-1", STR_INIT("[.-1]") },
	{ "number_.2e-3", STR_INIT("[.2e-3]") },
	{ "number_0.1.2", STR_INIT("[0.1.2]") },
	{ "number_0.3e+", STR_INIT("[0.3e+]") },
	{ "number_0.3e", STR_INIT("[0.3e]") },
	{ "number_0.e1", STR_INIT("[0.e1]") },
	{ "number_0_capital_E+", STR_INIT("[0E+]") },
	{ "number_0_capital_E", STR_INIT("[0E]") },
	{ "number_0e+", STR_INIT("[0e+]") },
	{ "number_0e", STR_INIT("[0e]") },
	{ "number_1.0e+", STR_INIT("[1.0e+]") },
	{ "number_1.0e-", STR_INIT("[1.0e-]") },
	{ "number_1.0e", STR_INIT("[1.0e]") },
	{ "number_1_000", STR_INIT("[1 000.0]") },
	{ "number_1eE2", STR_INIT("[1eE2]") },
	{ "number_2.e+3", STR_INIT("[2.e+3]") },
	{ "number_2.e-3", STR_INIT("[2.e-3]") },
	{ "number_2.e3", STR_INIT("[2.e3]") },
	{ "number_9.e+", STR_INIT("[9.e+]") },
	{ "number_Inf", STR_INIT("[Inf]") },
	{ "number_NaN", STR_INIT("[NaN]") },
	{ "number_U+FF11_fullwidth_digit_one", STR_INIT("[\xEF\xBC\x91]") },
	{ "number_00.0", STR_INIT("[00.0]") },
	{ "number_-00e0", STR_INIT("[-00e0]") },
	{ "number_expression", STR_INIT("[1+2]") },
	{ "number_hex_1_digit", STR_INIT("[0x1]") },
	{ "number_hex_2_digits", STR_INIT("[0x42]") },
	{ "number_infinity", STR_INIT("[Infinity]") },
	{ "number_invalid+-", STR_INIT("[0e+-1]") },
	{ "number_invalid-negative-real", STR_INIT("[-123.123foo]") },
	{ "number_invalid-utf-8-in-bigger-int", STR_INIT("[123\xE5]") },
	{ "number_invalid-utf-8-in-exponent", STR_INIT("[1e1\xE5]") },
	{ "number_invalid-utf-8-in-int", STR_INIT("[0\xE5]\n") },
	{ "number_minus_infinity", STR_INIT("[-Infinity]") },
	{ "number_minus_sign_with_trailing_garbage", STR_INIT("[-foo]") },
	{ "number_minus_space_1", STR_INIT("[- 1]") },
	{ "number_neg_int_starting_with_zero", STR_INIT("[-012]") },
	{ "number_neg_real_without_int_part", STR_INIT("[-.123]") },
	{ "number_neg_with_garbage_at_end", STR_INIT("[-1x]") },
	{ "number_real_garbage_after_e", STR_INIT("[1ea]") },
	{ "number_real_with_invalid_utf8_after_e", STR_INIT("[1e\xE5]") },
	{ "number_real_without_fractional_part", STR_INIT("[1.]") },
	{ "number_starting_with_dot", STR_INIT("[.123]") },
	{ "number_with_alpha", STR_INIT("[1.2a-3]") },
	{ "number_with_alpha_char", STR_INIT("[1.8011670033376514H-308]") },
	{ "number_with_leading_zero", STR_INIT("[012]") },
	{ "object_bad_value", STR_INIT("[\"x\", truth]") },
	{ "object_bracket_key", STR_INIT("{[: \"x\"}\n") },
	{ "object_comma_instead_of_colon", STR_INIT("{\"x\", null}") },
	{ "object_double_colon", STR_INIT("{\"x\"::\"b\"}") },
	{ "object_emoji", STR_INIT("{\xF0\x9F\x87\xA8\xF0\x9F\x87\xAD}") },
	{ "object_garbage_at_end", STR_INIT("{\"a\":\"a\" 123}") },
	{ "object_key_with_single_quotes", STR_INIT("{key: 'value'}") },
	{ "object_lone_continuation_byte_in_key_and_trailing_comma",
	  STR_INIT("{\"\xB9\":\"0\",}") },
	{ "object_missing_colon", STR_INIT("{\"a\" b}") },
	{ "object_missing_key", STR_INIT("{:\"b\"}") },
	{ "object_missing_semicolon", STR_INIT("{\"a\" \"b\"}") },
	{ "object_missing_value", STR_INIT("{\"a\":") },
	{ "object_no-colon", STR_INIT("{\"a\"") },
	{ "object_non_string_key", STR_INIT("{1:1}") },
	{ "object_non_string_key_but_huge_number_instead", STR_INIT("{9999E9999:1}") },
	{ "object_repeated_null_null", STR_INIT("{null:null,null:null}") },
	{ "object_several_trailing_commas", STR_INIT("{\"id\":0,,,,,}") },
	{ "object_single_quote", STR_INIT("{'a':0}") },
	{ "object_trailing_comma", STR_INIT("{\"id\":0,}") },
	{ "object_trailing_comment", STR_INIT("{\"a\":\"b\"}/**/") },
	{ "object_trailing_comment_open", STR_INIT("{\"a\":\"b\"}/**//") },
	{ "object_trailing_comment_slash_open", STR_INIT("{\"a\":\"b\"}//") },
	{ "object_trailing_comment_slash_open_incomplete", STR_INIT("{\"a\":\"b\"}/") },
	{ "object_two_commas_in_a_row", STR_INIT("{\"a\":\"b\",,\"c\":\"d\"}") },
	{ "object_unquoted_key", STR_INIT("{a: \"b\"}") },
	{ "object_unterminated-value", STR_INIT("{\"a\":\"a") },
	{ "object_with_single_string", STR_INIT("{ \"foo\" : \"bar\", \"a\" }") },
	{ "object_with_trailing_garbage", STR_INIT("{\"a\":\"b\"}#") },
	{ "single_space", STR_INIT(" ") },
	{ "string_1_surrogate_then_escape", STR_INIT("[\"\\uD800\\\"]") },
	{ "string_1_surrogate_then_escape_u", STR_INIT("[\"\\uD800\\u\"]") },
	{ "string_1_surrogate_then_escape_u1", STR_INIT("[\"\\uD800\\u1\"]") },
	{ "string_1_surrogate_then_escape_u1x", STR_INIT("[\"\\uD800\\u1x\"]") },
	{ "string_accentuated_char_no_quotes", STR_INIT("[\xC3\xA9]") },
	{ "string_backslash_00", STR_INIT("[\"\\\0\"]") },
	{ "string_escape_x", STR_INIT("[\"\\x00\"]") },
	{ "string_escaped_backslash_bad", STR_INIT("[\"\\\\\\\"]") },
	{ "string_escaped_ctrl_char_tab", STR_INIT("[\"\\\t\"]") },
	{ "string_escaped_emoji", STR_INIT("[\"\\\xF0\x9F\x8C\x80\"]") },
	{ "string_incomplete_escape", STR_INIT("[\"\\\"]") },
	{ "string_incomplete_escaped_character", STR_INIT("[\"\\u00A\"]") },
	{ "string_incomplete_surrogate", STR_INIT("[\"\\uD834\\uDd\"]") },
	{ "string_incomplete_surrogate_escape_invalid", STR_INIT("[\"\\uD800\\uD800\\x\"]") },
	{ "string_invalid-utf-8-in-escape", STR_INIT("[\"\\u\xE5\"]") },
	{ "string_invalid_backslash_esc", STR_INIT("[\"\\a\"]") },
	{ "string_invalid_unicode_escape", STR_INIT("[\"\\uqqqq\"]") },
	{ "string_invalid_utf8_after_escape", STR_INIT("[\"\\\xE5\"]") },
	{ "string_leading_uescaped_thinspace", STR_INIT("[\\u0020\"asd\"]") },
	{ "string_no_quotes_with_bad_escape", STR_INIT("[\\n]") },
	{ "string_octal_escape", STR_INIT("[\"\\101\"]") },
	{ "string_single_doublequote", STR_INIT("\"") },
	{ "string_single_quote", STR_INIT("['single quote']") },
	{ "string_single_string_no_double_quotes", STR_INIT("abc") },
	{ "string_start_escape_unclosed", STR_INIT("[\"\\") },
	{ "string_unescaped_ctrl_char", STR_INIT("[\"a\0a\"]") },
	{ "string_unescaped_newline", STR_INIT("[\"new\nline\"]") },
	{ "string_unescaped_tab", STR_INIT("[\"\t\"]") },
	{ "string_unicode_CapitalU", STR_INIT("\"\\UA66D\"") },
	{ "string_with_trailing_garbage", STR_INIT("\"\"x") },
	{ "structure_U+2060_word_joined", STR_INIT("[\xE2\x81\xA0]") },
	{ "structure_UTF8_BOM_no_data", STR_INIT("\xEF\xBB\xBF") },
	{ "structure_angle_bracket_.", STR_INIT("<.>") },
	{ "structure_angle_bracket_null", STR_INIT("[<null>]") },
	{ "structure_array_trailing_garbage", STR_INIT("[1]x") },
	{ "structure_array_with_extra_array_close", STR_INIT("[1]]") },
	{ "structure_array_with_unclosed_string", STR_INIT("[\"asd]") },
	{ "structure_ascii-unicode-identifier", STR_INIT("a\xC3\xA5") },
	{ "structure_capitalized_True", STR_INIT("[True]") },
	{ "structure_close_unopened_array", STR_INIT("1]") },
	{ "structure_comma_instead_of_closing_brace", STR_INIT("{\"x\": true,") },
	{ "structure_double_array", STR_INIT("[][]") },
	{ "structure_end_array", STR_INIT("]") },
	{ "structure_incomplete_UTF8_BOM", STR_INIT("\xEF\xBB{}") },
	{ "structure_lone-invalid-utf-8", STR_INIT("\xE5") },
	{ "structure_lone-open-bracket", STR_INIT("[") },
	{ "structure_no_data", STR_INIT("") },
	{ "structure_null-byte-outside-string", STR_INIT("[\0]") },
	{ "structure_number_with_trailing_garbage", STR_INIT("2@") },
	{ "structure_object_followed_by_closing_object", STR_INIT("{}}") },
	{ "structure_object_unclosed_no_value", STR_INIT("{\"\":") },
	{ "structure_object_with_comment", STR_INIT("{\"a\":/*comment*/\"b\"}") },
	{ "structure_object_with_trailing_garbage", STR_INIT("{\"a\": true} \"x\"") },
	{ "structure_open_array_apostrophe", STR_INIT("['") },
	{ "structure_open_array_comma", STR_INIT("[,") },
	{ "structure_open_array_open_object", STR_INIT("[{") },
	{ "structure_open_array_open_string", STR_INIT("[\"a") },
	{ "structure_open_array_string", STR_INIT("[\"a\"") },
	{ "structure_open_object", STR_INIT("{") },
	{ "structure_open_object_close_array", STR_INIT("{]") },
	{ "structure_open_object_comma", STR_INIT("{,") },
	{ "structure_open_object_open_array", STR_INIT("{[") },
	{ "structure_open_object_open_string", STR_INIT("{\"a") },
	{ "structure_open_object_string_with_apostrophes", STR_INIT("{'a'") },
	{ "structure_open_open", STR_INIT("[\"\\{[\"\\{[\"\\{[\"\\{") },
	{ "structure_single_eacute", STR_INIT("\xE9") },
	{ "structure_single_star", STR_INIT("*") },
	{ "structure_trailing_#", STR_INIT("{\"a\":\"b\"}#{}") },
	{ "structure_uescaped_LF_before_string", STR_INIT("[\\u000A\"\"]") },
	{ "structure_unclosed_array", STR_INIT("[1") },
	{ "structure_unclosed_array_partial_null", STR_INIT("[ false, nul") },
	{ "structure_unclosed_array_unfinished_false", STR_INIT("[ true, fals") },
	{ "structure_unclosed_array_unfinished_true", STR_INIT("[ false, tru") },
	{ "structure_unclosed_object", STR_INIT("{\"asd\":\"asd\"") },
	{ "structure_unicode-identifier", STR_INIT("\xC3\xA5") },
	{ "structure_whitespace_U+2060_word_joiner", STR_INIT("\xE2\x81\xA0") },
	{ "structure_whitespace_formfeed", STR_INIT("[\f]") },
	/* taken there, refused here */
	{ "y_object_duplicated_key", STR_INIT("{\"a\":\"b\",\"a\":\"c\"}") },
	{ "y_object_duplicated_key_and_value", STR_INIT("{\"a\":\"b\",\"a\":\"b\"}") },
	/* left open by the standard */
	{ "i_number_huge_exp", STR_INIT("[0.4e00669999999999999999999999999999999999999999999999"
	    "99999999999999999999999999999999999999999999999969999999006]") },
	{ "i_number_neg_int_huge_exp", STR_INIT("[-1e+9999]") },
	{ "i_number_pos_double_huge_exp", STR_INIT("[1.5e+9999]") },
	{ "i_number_real_neg_overflow", STR_INIT("[-123123e100000]") },
	{ "i_number_real_pos_overflow", STR_INIT("[123123e100000]") },
	{ "i_number_too_big_neg_int", STR_INIT("[-123123123123123123123123123123]") },
	{ "i_number_too_big_pos_int", STR_INIT("[100000000000000000000]") },
	{ "i_number_very_big_negative_int",
	  STR_INIT("[-237462374673276894279832749832423479823246327846]") },
	{ "i_object_key_lone_2nd_surrogate", STR_INIT("{\"\\uDFAA\":0}") },
	{ "i_string_1st_surrogate_but_2nd_missing", STR_INIT("[\"\\uDADA\"]") },
	{ "i_string_1st_valid_surrogate_2nd_invalid", STR_INIT("[\"\\uD888\\u1234\"]") },
	{ "i_string_UTF-16LE_with_BOM", STR_INIT("\xFF\xFE[\0\"\0\xE9\0\"\0]\0") },
	{ "i_string_UTF-8_invalid_sequence", STR_INIT("[\"\xE6\x97\xA5\xD1\x88\xFA\"]") },
	{ "i_string_UTF8_surrogate_U+D800", STR_INIT("[\"\xED\xA0\x80\"]") },
	{ "i_string_incomplete_surrogate_and_escape_valid", STR_INIT("[\"\\uD800\\n\"]") },
	{ "i_string_incomplete_surrogate_pair", STR_INIT("[\"\\uDd1ea\"]") },
	{ "i_string_incomplete_surrogates_escape_valid", STR_INIT("[\"\\uD800\\uD800\\n\"]") },
	{ "i_string_invalid_lonely_surrogate", STR_INIT("[\"\\ud800\"]") },
	{ "i_string_invalid_surrogate", STR_INIT("[\"\\ud800abc\"]") },
	{ "i_string_invalid_utf-8", STR_INIT("[\"\xFF\"]") },
	{ "i_string_inverted_surrogates_U+1D11E", STR_INIT("[\"\\uDd1e\\uD834\"]") },
	{ "i_string_iso_latin_1", STR_INIT("[\"\xE9\"]") },
	{ "i_string_lone_second_surrogate", STR_INIT("[\"\\uDFAA\"]") },
	{ "i_string_lone_utf8_continuation_byte", STR_INIT("[\"\x81\"]") },
	{ "i_string_not_in_unicode_range", STR_INIT("[\"\xF4\xBF\xBF\xBF\"]") },
	{ "i_string_overlong_sequence_2_bytes", STR_INIT("[\"\xC0\xAF\"]") },
	{ "i_string_overlong_sequence_6_bytes", STR_INIT("[\"\xFC\x83\xBF\xBF\xBF\xBF\"]") },
	{ "i_string_overlong_sequence_6_bytes_null", STR_INIT("[\"\xFC\x80\x80\x80\x80\x80\"]") },
	{ "i_string_truncated-utf-8", STR_INIT("[\"\xE0\xFF\"]") },
	{ "i_string_utf16BE_no_BOM", STR_INIT("\0[\0\"\0\xE9\0\"\0]") },
	{ "i_string_utf16LE_no_BOM", STR_INIT("[\0\"\0\xE9\0\"\0]\0") },
	{ "i_structure_UTF-8_BOM_empty_object", STR_INIT("\xEF\xBB\xBF{}") },
};

static enum err parse(struct arena *a, struct str text, const struct json **v)
{
	struct json_error error = { 0 };
	enum err          e = json_parse(a, text, JSON_DEPTH_MAX, v, &error);

	if (e == ERR_INVALID)
		assert_true(error.reason != NULL && error.line > 0 && error.column > 0);
	return e;
}

TEST(what_must_be_taken_is_taken)
{
	struct arena       a;
	const struct json *v;

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	for (size_t i = 0; i < COUNT(taken); i++) {
		assert_row(parse(&a, taken[i].text, &v) == OK, taken[i].name);
		arena_reset(&a);
	}
	arena_clean(&a);
}

TEST(what_must_be_refused_is_refused)
{
	struct arena       a;
	const struct json *v;

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	for (size_t i = 0; i < COUNT(refused); i++) {
		assert_row(parse(&a, refused[i].text, &v) == ERR_INVALID, refused[i].name);
		arena_reset(&a);
	}
	arena_clean(&a);
}

/* What is written of a document reads as the same document, and is written the
 * same again. */
TEST(what_is_taken_is_written_back_the_same)
{
	struct arena       a;
	const struct json *v;
	struct buf         once, twice;

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	for (size_t i = 0; i < COUNT(taken); i++) {
		buf_init(&once, &a, 10000);
		buf_init(&twice, &a, 10000);
		assert_int_equal(parse(&a, taken[i].text, &v), OK);
		json_write(&once, v);
		assert_row(parse(&a, buf_str(&once), &v) == OK, taken[i].name);
		json_write(&twice, v);
		assert_row(str_eq(buf_str(&once), buf_str(&twice)), taken[i].name);
		arena_reset(&a);
	}
	arena_clean(&a);
}

/* Strings are looked at in words of eight bytes: each byte at each place of one. */
TEST(a_byte_that_does_not_stand_for_itself_is_seen_wherever_it_stands)
{
	char text[32], name[32];
	struct arena a;

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	for (size_t at = 1; at <= 17; at++) {
		for (unsigned byte = 1; byte < 256; byte++) {
			bool plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
			const struct json *v;
			struct json_error error;
			memset(text, 'a', 20);
			text[0] = text[19] = '"';
			text[at] = (char)byte;
			snprintf(name, sizeof(name), "%02x at %zu", byte, at);
			enum err e = json_parse(&a, (struct str){ text, 20 }, JSON_DEPTH_MAX, &v, &error);
			assert_row((e == OK) == plain, name);
			arena_reset(&a);
		}
	}
	arena_clean(&a);
}

TEST_MAIN(RUN(what_must_be_taken_is_taken), RUN(what_must_be_refused_is_refused),
    RUN(what_is_taken_is_written_back_the_same),
    RUN(a_byte_that_does_not_stand_for_itself_is_seen_wherever_it_stands))
