"""Puts the remarks of a first callrec.toml into Japanese: keys, values and examples stay as they are.

The English remarks stand in the template of callrec.configuration, the Japanese ones here, by the setting
before or beside which they stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_SECTION = re.compile(r"\[([a-z_]+)\]")
_SETTING = re.compile(r"(?:# )?([a-z_]+) = ")
_BESIDE = re.compile(r'(# [a-z_]+ = "[^"]*" +# )(.+)')
"""An example of a setting with a remark on its line."""

JAPANESE = {
    "": (
        "callrec の設定です。どの値も、CALLREC_PBX__ARI_URL、CALLREC_ARCHIVE__BUCKET のような環境変数でも\n"
        "指定できます。秘密の値は、別のファイルに置くこともできます。\n"
        '例: secret_key の代わりに secret_key_file = "/etc/callrec/s3.key"\n'
        "変更した後は、callrec serve を再起動し、callrec doctor を実行してください。"
    ),
    "pbx.name": "この PBX の短い名前。すべての録音明細に記録されます。",
    "pbx.ari_url": "Asterisk の REST インターフェースと、callrec pbx install が作成したユーザー。",
    "pbx.ami_host": (
        "マネージャーインターフェース。callrec の停止中に備え、録音ルールの写しを PBX に保ちます。"
    ),
    "pbx.extension_pattern": "登録した内線のほかに、職員の電話機とみなす PBX のエンドポイント。",
    "pbx.phone_technologies": (
        "職員の電話機を探すチャンネルの種類。ほかの種類（DAHDI、IAX2 など）は外線とみなします。"
    ),
    "pbx.lines": '内線のような名前でも外線であるエンドポイント。例: "33"',
    "pbx.cdr_file": (
        "PBX 自身の通話記録（cdr_csv）。このマシンから読み取れる場合に、1 日に 1 回照合します。"
    ),
    "archive.endpoint_url": "S3 互換のサーバー。Amazon S3 の場合は endpoint_url を省きます。",
    "archive.object_lock": (
        'オブジェクトの変更を防ぐロックの種類。"governance"（特別な権限で解除できる）、"compliance"（誰\n'
        'も解除できない）、"off"（バケットに Object Lock がない）。'
    ),
    "archive.shortest_lock_s": "オブジェクトをロックする最短の時間（秒）。",
    "archive.encryption": (
        'サーバー側の暗号化。"s3"（サーバーの鍵）、"kms"（鍵管理サービス。鍵は kms_key_id で指定）、\n'
        '"none"（しない）。ロックと同じように、読み戻して確かめます。'
    ),
    "archive.addressing": 'または "virtual"',
    "archive.checksums": 'TLS を使う古い Ceph では "when_required"',
    "archive.proxy": "S3 サーバーに庁内のプロキシを経由して接続する場合",
    "catalogue.url": "sqlite:////path/catalogue.db または postgresql://user:password@host/name",
    "spool.directory": (
        "録音は、保管先から読み戻して確かめるまで、ここで待ちます。1 日分の通話が入る容量を用意してくださ\n"
        "い。通話 1 時間につき、およそ 60 MB です。"
    ),
    "disk.reserve_mb": (
        "一時保管フォルダーのディスクに空けておく容量（MB）。reserve_mb は、ディスクがいっぱいになったと\n"
        "きに通話の記録を書けるよう開放する予備です。空きが low_water_mb を下回ると、空きができるまで音声\n"
        "を PBX に置いておきます。"
    ),
    "prompts.directory": (
        "録音のお知らせの音声。PBX から見たパスが異なる場合は、pbx_directory で指定します。"
    ),
    "prompts.answer_first": (
        "true: 応答してから録音のお知らせを流します。相手に確実に聞こえます。\n"
        "false: 応答前に流します。職員が応答するまで相手に料金はかかりませんが、中継しない通信事業者もあ\n"
        "ります。"
    ),
    "keys.keep": (
        "職員が通話中に押すキー。録音または保存、停止、一時停止、応援の順です。変更したら callrec pbx\n"
        "config -o FOLDER を実行してください。PBX にも同じ番号の設定が必要です。callrec doctor が照合しま\n"
        "す。"
    ),
    "retention.days": "録音ルールに定めがないときの保存期間（日）。",
    "retention.call_rows_days": ("録音が残っていない通話の電話番号と氏名を、データベースに残す期間（日）。"),
    "retention.testcall_days": "callrec testcall の録音の保存期間（日）。",
    "office.prefixes": (
        '外線や通信事業者を選ぶために、職員が番号の前にダイヤルする数字。["0"]、["9", "0036"] など。番号\n'
        "を比べる前に、長いものから取り除きます。残りが、かけられる番号である場合に限ります。"
    ),
    "office.shift_s": (
        "録音ルールを試すための設定。この秒数だけ後の時刻として判定します。普段は使わないでください。"
    ),
    "help.mail_to": (
        "職員が応援のキーを押したときの連絡先。メール、ほかのシステムへの通知（Webhook）、通話を聞くこと\n"
        "のできる応援担当の電話です。施設ごとの連絡先は callrec facility support で設定します。"
    ),
    "help.smtp_security": (
        '"starttls"、"ssl"（通常はポート 465）、"none"（パスワードを暗号化せずに送ります）。'
    ),
    "help.webhook_url": ("すべての通知に、webhook_secret で署名を付けます。詳しくは説明書をご覧ください。"),
    "help.webhook_proxy": (
        "ほかのシステムに庁内のプロキシを経由して接続する場合: http://proxy.city.example:8080"
    ),
    "help.phone": "応援担当の電話の内線と、PBX がそこにかける方法。",
    "desk.socket": (
        "このファイルを読み取れない人は、窓口サーバー（callrec desk）を通して操作します。その待ち受け先で\n"
        "す。"
    ),
    "desk.requests": '"required": 録音の聴取と提供に、その録音が載っている承認済みの申請が必要です。',
    "desk.access_key": (
        "削除の権限を持たない、S3 サーバーの専用のキー。空の場合は [archive] のキーを使います。"
    ),
    "destruction.access_key": (
        "callrec purge は、S3 サーバーから削除できる専用のキーを使います。ほかの人が読み取れない場所\n"
        "（systemd ユニットのクレデンシャル、または専用のファイル）に置いてください。ない場合は、対象の表\n"
        "示だけを行います。"
    ),
    "destruction.at_most": (
        "1 回の実行で廃棄する上限。件数、または割合（割合の場合も、1000 件までは廃棄します）。"
    ),
    "evidence.keys": (
        "録音明細と、録音についてのすべての記録に署名する鍵の組。callrec init が作成します。このフォル\n"
        "ダーのバックアップを、録音とは別の場所に取ってください。説明書の「証拠」をご覧ください。"
    ),
    "evidence.anchor_days": "取扱記録のアンカーを、バケットでロックする期間（日）。",
    "evidence.tsa_url": (
        'アンカーにタイムスタンプを付ける局（RFC 3161）。例: "https://tsa.example.jp/tsr"。tsa_ca_file\n'
        "は、そのルート証明書（PEM）です。これがないと、タイムスタンプは信頼されません。両方を設定する\n"
        "か、どちらも設定しないでください。"
    ),
    "log.numbers": "true: 相手の電話番号をログに残します。false: 桁数だけを残します。",
    "log.namespace": (
        "callrec log が読み取るジャーナル。systemd ユニットに LogNamespace= がある場合に指定します。"
    ),
    "health.mail_to": (
        "録音装置そのものに障害が起きたときと、収まったときに知らせる、対処できる人の宛先。メールは\n"
        "[help] のメールサーバーから送ります。ほかのシステムへの通知には、webhook_secret で署名を付けま\n"
        "す。"
    ),
    "health.digest_at": (
        '毎日この時刻に、状況をメールで知らせます。このメールが届かない日は、動作していません。 "" の場合\n'
        "は送りません。"
    ),
    "health.heartbeat_url": (
        "正常に録音できる間、毎分アクセスするアドレス。アクセスが途絶えると、その先のサービスが警報を出し\n"
        "ます。これにより、停止にも気付けます。"
    ),
    "health.proxy": "Webhook または上のサービスに、庁内のプロキシを経由して接続する場合。",
    "health.textfile": (
        "同じ内容とすべての測定値を、node_exporter の textfile コレクター用のファイルに出力します。"
    ),
    "health.metrics_port": (
        "Prometheus 用の測定値を出力するポート。127.0.0.1 だけで待ち受けます。例: 9476。0: 出力しません。"
    ),
    "network.ca_file": (
        "このマシンの環境変数にあるプロキシ、証明書、アカウントは使いません。このファイルの設定だけを使い\n"
        "ます。 PBX、S3 サーバー、メールサーバー、Webhook が庁内の認証局の証明書を使う場合に、公的な認証\n"
        "局に代えて信頼する認証局の証明書のファイル（PEM）を指定します。"
    ),
    "network.allow_plain_text": (
        "true: パスワードや通話を、ほかのマシンへ暗号化せずに送ることを認めます（専用の配線や VPN の場\n"
        "合）。"
    ),
}
"""The remarks, by section and setting; the first one is about the whole file."""


def in_japanese(text: str) -> str:
    """Returns a configuration file with Japanese remarks. One that is not known stays English."""
    lines: list[str] = []
    for place, remark, line in _parts(text):
        said = JAPANESE.get(place, "")
        lines += [f"# {each}" for each in said.split("\n")] if said and remark else remark
        beside = _BESIDE.match(line)
        lines.append(beside[1] + said if said and beside else line)
    return "\n".join(lines)


def remarked(text: str) -> list[str]:
    """Returns the places of a file, such as ``pbx.name``, that have a remark before or beside them."""
    return [place for place, remark, line in _parts(text) if remark or _BESIDE.match(line)]


def _parts(text: str) -> Iterator[tuple[str, list[str], str]]:
    """Yields each line that is no remark, with its place, and the lines of the remark before it."""
    section, remark = "", list[str]()
    for line in text.split("\n"):
        setting = _SETTING.match(line)
        if line.startswith("# ") and not setting:
            remark.append(line)
            continue
        if found := _SECTION.fullmatch(line):
            section = found[1]
        yield f"{section}.{setting[1]}" if setting else "", remark, line
        remark = []
