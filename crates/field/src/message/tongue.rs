//! The words of people who answer, by language. They are compared without case, marks and accents.
//!
//! What is not here waits for a person; what is here in doubt is a cry: a false alarm costs a call, a missed one more.

/// What people say in one language: phrases, apart by `;`.
pub(super) struct Tongue {
    /// They are safe, where a text begins so.
    pub(super) safe: &'static str,
    /// The same, where nothing else is said in that breath: words that mean other things beside others.
    pub(super) safe_alone: &'static str,
    pub(super) yes: &'static str,
    pub(super) no: &'static str,
    /// Distress by its own name.
    pub(super) sos: &'static str,
    /// Anywhere in a text, somebody is in need.
    pub(super) help: &'static str,
    /// These turn `safe` into its opposite.
    pub(super) negations: &'static str,
    /// These do so before it, and at either end of a breath: elsewhere they are another word (`no hotel`).
    pub(super) weak_negations: &'static str,
    /// Nobody is in need by these, although they have a word that says so or a negation.
    pub(super) denials: &'static str,
    /// Not well, when a negation stands shortly before.
    pub(super) well: &'static str,
    /// `and`, where it looks like the negation of another language.
    pub(super) and: &'static str,
}

/// The languages of the room.
pub(super) const TONGUES: [&Tongue; 6] = [&ENGLISH, &FRENCH, &SPANISH, &PORTUGUESE, &ARABIC, &TETUM];

const ENGLISH: Tongue = Tongue {
    safe: "safe; i am safe; i'm safe; im safe; we are safe; we're safe; all safe; all are safe; \
         all of us are safe; everyone is safe; everybody is safe; i am ok; i'm ok; im ok; we are ok; we're ok; \
         i am fine; i'm fine; we are fine; i am well; we are well",
    safe_alone: "",
    yes: "ok; okay; ack; yes",
    no: "no",
    sos: "sos; s o s; mayday; may day; pan pan; panpan",
    help: "help; helpme; help me; helpus; sendhelp; needhelp; plshelp; hlp; need assistance; send assistance; \
         immediate assistance; urgent assistance; rescue; emergency; danger; dangerous; unsafe; attack; \
         attacked; attacking; ambush; ambushed; under fire; open fire; opened fire; shots; shot at; been shot; \
         shooting; gunfire; gunshot; gunshots; kidnapped; kidnapping; abducted; hostage; hostages; \
         held captive; carjacked; carjacking; robbed; trapped; wounded; injured; bleeding; dying; medevac; \
         casevac; evacuate us; save me; save us",
    negations: "not; isn't; isnt; aren't; arent; ain't; aint; don't; dont; wasn't; never; no longer; nobody is safe; \
         hardly",
    weak_negations: "no",
    denials: "no help needed; no help is needed; no help required; no help necessary; no need for help; \
         no need of help; help not needed; help is not needed; help not required; help is not required; \
         help no longer needed; don't need help; dont need help; do not need help; don't need any help; \
         dont need any help; do not need any help; need no help; no assistance needed; no emergency; \
         not an emergency; no danger; not in danger; out of danger; no injured; no one injured; \
         no one is injured; nobody injured; nobody is injured; not injured; no wounded; nobody wounded; \
         nobody is wounded; not wounded; no shooting; no gunfire; no one hurt; no one is hurt; nobody hurt; \
         nobody is hurt; not hurt; no injuries; no casualties; no problem; no problems; no issue; no issues; \
         no worries; don't worry; dont worry; do not worry",
    well: "ok; okay; well; fine; alright; all right",
    and: "",
};

const FRENCH: Tongue = Tongue {
    safe: "en sécurité; je suis en sécurité; nous sommes en sécurité; on est en sécurité; sain et sauf; \
         saine et sauve; sains et saufs; saines et sauves; je suis sain et sauf; je suis saine et sauve; \
         nous sommes sains et saufs; je vais bien; nous allons bien; tout va bien",
    safe_alone: "sauf; sauve",
    yes: "oui",
    no: "non",
    sos: "",
    help: "aide; aidez; aider; aidez moi; aidez nous; secours; au secours; sauvez; danger; dangereux; urgence; \
         attaque; attaqué; attaqués; attaquée; attaquées; attaquent; embuscade; coups de feu; tirs; \
         tire sur nous; nous tire dessus; enlevé; enlevés; enlevée; enlevées; kidnappé; kidnappés; otage; \
         otages; piégé; piégés; blessé; blessés; blessée; blessées; évacuez",
    negations: "pas; plus en sécurité; jamais; aucunement",
    weak_negations: "non",
    denials: "pas besoin d'aide; pas besoin d'une aide; aucune aide nécessaire; pas d'aide nécessaire; \
         aide pas nécessaire; aide n'est pas nécessaire; pas besoin de secours; sans danger; hors de danger; \
         pas de danger; pas en danger; aucun danger; pas de blessé; pas de blessés; aucun blessé; \
         personne n'est blessé; pas blessé; pas blessée; pas blessés; pas d'urgence; pas de problème; \
         pas de problèmes; aucun problème; pas de souci; pas de soucis; ne vous inquiétez pas; \
         ne t'inquiète pas; t'inquiète pas",
    well: "bien; ok",
    and: "",
};

const SPANISH: Tongue = Tongue {
    safe: "a salvo; estoy a salvo; estamos a salvo; a salvo estoy; sano y salvo; sana y salva; sanos y salvos; \
         seguro; segura; estoy seguro; estoy segura; estamos seguros; estamos seguras; estoy bien; \
         estamos bien; todo bien; todos bien",
    safe_alone: "",
    yes: "sí",
    no: "",
    sos: "",
    help: "ayuda; ayúdame; ayúdenme; ayúdanos; ayúdennos; ayuden; auxilio; auxílienos; socorro; rescate; \
         rescátennos; emergencia; peligro; peligroso; ataque; ataques; atacado; atacados; atacada; atacadas; \
         atacan; atacando; emboscada; disparos; disparando; nos disparan; tiroteo; balacera; secuestro; \
         secuestrado; secuestrados; secuestrada; secuestradas; rehén; rehenes; atrapado; atrapados; atrapada; \
         atrapadas; herido; heridos; herida; heridas; evacúen; no me siento bien; inseguro; insegura",
    negations: "nunca; jamás; tampoco; ya no",
    weak_negations: "no",
    denials: "no necesito ayuda; no necesitamos ayuda; no se necesita ayuda; no hace falta ayuda; \
         no hace falta auxilio; sin necesidad de ayuda; no es necesaria ayuda; ayuda no necesaria; \
         no requiero ayuda; no requerimos ayuda; no preciso ayuda; sin peligro; fuera de peligro; \
         no hay peligro; no estoy en peligro; no hay heridos; sin heridos; no estoy herido; no estoy herida; \
         ningún herido; no hay emergencia; no es emergencia; no hay problema; no hay problemas; sin problema; \
         sin problemas; no se preocupe; no se preocupen; no te preocupes",
    well: "bien; ok",
    and: "",
};

const PORTUGUESE: Tongue = Tongue {
    safe: "estou seguro; estou segura; estamos seguros; estamos seguras; a salvo estou; estou a salvo; \
         são e salvo; sã e salva; sãos e salvos; em segurança; estou em segurança; estamos em segurança; \
         estou bem; estamos bem; tudo bem; todos bem",
    safe_alone: "",
    yes: "sim",
    no: "não",
    sos: "",
    help: "ajuda; ajudem; ajude; ajuda me; ajudem me; ajudem nos; socorro; socorram; resgate; emergência; \
         perigo; perigoso; ataque; atacado; atacados; atacada; atacadas; atacam; atacar nos; emboscada; tiros; \
         tiroteio; disparos; raptado; raptados; raptada; raptadas; sequestro; sequestrado; sequestrados; \
         sequestrada; refém; reféns; preso aqui; presa aqui; ferido; feridos; ferida; feridas; inseguro; \
         insegura",
    negations: "não; nunca; nem; jamais",
    weak_negations: "",
    denials: "não preciso de ajuda; não precisamos de ajuda; não é preciso ajuda; não é precisa ajuda; \
         não é necessária ajuda; não é necessário ajuda; não há necessidade de ajuda; \
         sem necessidade de ajuda; ajuda não é necessária; ajuda não necessária; sem perigo; fora de perigo; \
         não há perigo; não estou em perigo; não há feridos; sem feridos; não estou ferido; não estou ferida; \
         não há emergência; não é emergência; não há problema; não há problemas; sem problema; sem problemas; \
         não se preocupe; não se preocupem; não te preocupes",
    well: "bem; ok",
    and: "",
};

const ARABIC: Tongue = Tongue {
    safe: "أنا بخير; نحن بخير; كلنا بخير; الجميع بخير; بخير; أنا آمن; أنا آمنة; نحن آمنون; نحن في أمان; \
         أنا في أمان; في أمان",
    safe_alone: "آمن; آمنة",
    yes: "نعم; تمام",
    no: "لا",
    sos: "نجدة; انجدونا; أنجدوني; استغاثة; أغيثونا; أغيثوني",
    help: "مساعدة; مساعدتك; مساعدتكم; ساعدوني; ساعدونا; ساعدني; ساعدنا; أنقذوني; أنقذونا; إنقاذ; إغاثة; إسعاف; \
         طوارئ; خطر; هجوم; يهاجموننا; كمين; إطلاق نار; إطلاق النار; يطلقون النار; خطف; اختطاف; مخطوف; مختطف; \
         مختطفون; رهينة; رهائن; محاصر; محاصرون; جريح; جرحى; مصاب; مصابة; مصابون; ننزف; أنزف",
    negations: "ليس; ليست; ليسوا; لست; لسنا; غير; مش; مو; لا; لم نعد; لم أعد",
    weak_negations: "",
    denials: "لا أحتاج مساعدة; لا أحتاج المساعدة; لا أحتاج إلى مساعدة; لا أحتاج إلى المساعدة; لا أحتاج أي مساعدة; \
         لا أحتاج لمساعدة; لا نحتاج مساعدة; لا نحتاج المساعدة; لا نحتاج إلى مساعدة; لا نحتاج إلى المساعدة; \
         لا نحتاج لمساعدة; لا حاجة للمساعدة; لا حاجة لمساعدة; لا حاجة إلى مساعدة; لا حاجة إلى المساعدة; \
         لا داعي للمساعدة; لا خطر; لا يوجد خطر; لست في خطر; لا إصابات; لا يوجد مصابون; لا يوجد جرحى; \
         بدون إصابات; لا مشكلة; لا توجد مشكلة; لا تقلق; لا تقلقوا; لا تقلقي",
    well: "على ما يرام; كويس; منيح",
    and: "",
};

const TETUM: Tongue = Tongue {
    safe: "ha'u seguru; hau seguru; seguru; ami seguru; ha'u di'ak; ha'u diak; hau diak; ami di'ak; ami diak; \
         hotu seguru",
    safe_alone: "",
    yes: "sin; loos",
    no: "lae",
    sos: "",
    help: "tulun; tulun ami; presiza tulun; ajuda; sokorru; perigu; emerjénsia; atake; tiru; kanek; rapta; \
         la seguru; la'os seguru; laos seguru; seidauk seguru; la di'ak; la diak",
    negations: "la'os; laos; seidauk; lae",
    weak_negations: "",
    denials: "la presiza tulun; la presiza ajuda; la iha perigu; laiha perigu; la iha problema; laiha problema; \
         la kanek; la iha ema kanek; laiha ema kanek; keta preokupa; la presiza preokupa",
    well: "",
    and: "no",
};
